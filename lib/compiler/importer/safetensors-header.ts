// The header of a safetensors file: 8 bytes of length, then JSON {name: {dtype, shape, data_offsets}}, then the data.
// Format and rules: https://github.com/huggingface/safetensors (README, "Format"): offsets cover the data without gap or overlap.
import type { ByteSource } from "./byte-source.js";
import { isJsonObject, type JsonObject, parseJsonObject } from "./json-file.js";
import { malformed } from "./malformed-file.js";

/** The reference implementation's limit on the header, bytes. */
const LONGEST_HEADER = 100_000_000;
const LENGTH_BYTES = 8;

/** Bits of one element by safetensors type name. */
const DTYPE_BITS: ReadonlyMap<string, number> = new Map([
  ["F64", 64],
  ["I64", 64],
  ["U64", 64],
  ["C64", 64],
  ["F32", 32],
  ["I32", 32],
  ["U32", 32],
  ["F16", 16],
  ["BF16", 16],
  ["I16", 16],
  ["U16", 16],
  ["F8_E4M3", 8],
  ["F8_E5M2", 8],
  ["F8_E8M0", 8],
  ["I8", 8],
  ["U8", 8],
  ["BOOL", 8],
]);

/** One entry of the header. */
export interface SafetensorsEntry {
  readonly name: string;
  /** Type name as in the file. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Offset in the file, and bytes. */
  readonly offset: number;
  readonly bytes: number;
}

/** Reads and checks the whole header. Errors: ERR_INVALID_MODEL. */
export function readSafetensorsHeader(source: ByteSource): SafetensorsEntry[] {
  const where = source.name;
  if (source.byteLength < LENGTH_BYTES)
    throw malformed(where, "a safetensors header", `${source.byteLength} bytes`);
  const lengthBytes = source.view(0, LENGTH_BYTES);
  const length = new DataView(lengthBytes.buffer, lengthBytes.byteOffset).getBigUint64(0, true);
  const longest = Math.min(LONGEST_HEADER, source.byteLength - LENGTH_BYTES);
  if (length > BigInt(longest)) throw malformed(where, `a header of at most ${longest} bytes`, length);
  const dataStart = LENGTH_BYTES + Number(length);
  const header = parseJsonObject(
    decodeHeader(source.view(LENGTH_BYTES, Number(length)), where),
    `the header of ${where}`,
  );
  const entries = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => readEntry(name, value, dataStart, `${where}, tensor ${name}`));
  checkCoverage(entries, dataStart, source);
  return entries;
}

function decodeHeader(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw malformed(`the header of ${where}`, "UTF-8 text", cause instanceof Error ? cause.message : cause);
  }
}

function readEntry(name: string, value: unknown, dataStart: number, where: string): SafetensorsEntry {
  if (!isJsonObject(value)) throw malformed(where, "an object with dtype, shape and data_offsets", value);
  const { dtype } = value;
  const bits = typeof dtype === "string" ? DTYPE_BITS.get(dtype) : undefined;
  if (typeof dtype !== "string" || bits === undefined)
    throw malformed(where, `a dtype of ${[...DTYPE_BITS.keys()].join(", ")}`, dtype);
  const shape = readNaturals(value, "shape", where);
  if (shape.length > 8) throw malformed(where, "a shape of at most 8 dimensions", shape);
  const [begin, end, ...rest] = readNaturals(value, "data_offsets", where);
  if (begin === undefined || end === undefined || rest.length > 0 || begin > end)
    throw malformed(where, "data_offsets [begin, end]", value.data_offsets);
  const bytes = (shape.reduce((product, size) => product * size, 1) * bits) / 8;
  if (bytes !== end - begin)
    throw malformed(where, `${bytes} bytes of ${dtype} [${shape.join(", ")}]`, end - begin);
  return { name, dtype, shape, offset: dataStart + begin, bytes };
}

function readNaturals(entry: JsonObject, key: string, where: string): number[] {
  const value = entry[key];
  if (!Array.isArray(value)) throw malformed(where, `a list for ${key}`, value);
  return value.map((item: unknown) => {
    if (typeof item !== "number" || !Number.isSafeInteger(item) || item < 0)
      throw malformed(where, `natural numbers in ${key}`, item);
    return item;
  });
}

/** Data must follow without gap or overlap and end with the file: anything else means a wrong or cut file. */
function checkCoverage(entries: readonly SafetensorsEntry[], dataStart: number, source: ByteSource): void {
  let at = dataStart;
  const inOrder = entries.toSorted((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  for (const { name, offset, bytes } of inOrder) {
    const where = `${source.name}, tensor ${name}`;
    if (offset !== at)
      throw malformed(where, `its data at offset ${at}, right behind the tensor before`, offset);
    at = offset + bytes;
    if (at > source.byteLength)
      throw malformed(where, `data up to byte ${at}`, `${source.byteLength} bytes of file`);
  }
  if (at !== source.byteLength)
    throw malformed(source.name, `the file to end at byte ${at}`, source.byteLength);
}
