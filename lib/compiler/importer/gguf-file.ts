// One GGUF file: header, metadata, tensor places. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
import { MlcError } from "../../errors.js";
import type { ByteSource } from "./byte-source.js";
import { BLOCK_SIZES, ggmlDtype, ggmlTypeName, IMPORTABLE_DTYPES, type SourceDtype } from "./ggml-types.js";
import { GgufCursor } from "./gguf-cursor.js";
import { type GgufMetadata, readMetadata } from "./gguf-metadata.js";
import { malformed, unsupported } from "./malformed-file.js";
import { tensorBytes } from "./source-tensor.js";

/** "GGUF" as a little-endian number. */
const MAGIC = 0x46554747;
const DEFAULT_ALIGNMENT = 32;
const MOST_DIMENSIONS = 4;
/** Bytes of the smallest key-value pair and of the smallest tensor info. */
const SMALLEST_PAIR = 8 + 1 + 4 + 1;
const SMALLEST_INFO = 8 + 1 + 4 + 8 + 4 + 8;

/** A tensor of the file, under its GGUF name. */
export interface GgufTensor {
  readonly name: string;
  /** Row-major, as elsewhere: the file's dimensions reversed. */
  readonly shape: readonly number[];
  readonly dtype: SourceDtype;
  /** Offset of its data in the file. */
  readonly offset: number;
  readonly source: ByteSource;
}

export interface GgufFile {
  readonly metadata: GgufMetadata;
  readonly tensors: readonly GgufTensor[];
}

/**
 * Reads and checks the header of a GGUF file (version 2 or 3, little endian).
 * Errors: ERR_INVALID_MODEL with the offset, ERR_UNSUPPORTED_FORMAT for other versions, big endian and unknown tensor types.
 */
export function readGgufFile(source: ByteSource): GgufFile {
  const cursor = new GgufCursor(source);
  readVersion(cursor);
  const tensorCount = cursor.count("the number of tensors", SMALLEST_INFO);
  const pairCount = cursor.count("the number of metadata pairs", SMALLEST_PAIR);
  const metadata = readMetadata(cursor, pairCount);
  const alignment = readAlignment(metadata);
  const infos: TensorInfo[] = [];
  for (let i = 0; i < tensorCount; i++) infos.push(readTensorInfo(cursor, alignment));
  const dataStart = Math.ceil(cursor.offset / alignment) * alignment;
  const tensors = infos.map((info) => placeTensor(info, dataStart, source));
  checkPlaces(tensors, source);
  return { metadata, tensors };
}

function readVersion(cursor: GgufCursor): void {
  const magic = cursor.u32("the magic number");
  if (magic !== MAGIC) throw cursor.malformed('the magic "GGUF"', `0x${magic.toString(16)}`, 4);
  const version = cursor.u32("the version");
  if (version === 2 || version === 3) return;
  const bigEndian = version !== 0 && (version & 0xffff) === 0;
  throw unsupported(
    cursor.source.name,
    "GGUF version 2 or 3, little endian",
    bigEndian ? "a big-endian file" : `version ${version}`,
    bigEndian ? "convert it to little endian" : "convert it with a current llama.cpp",
  );
}

function readAlignment(metadata: GgufMetadata): number {
  const alignment = metadata.natural("general.alignment") ?? DEFAULT_ALIGNMENT;
  const isPowerOfTwo = alignment > 0 && alignment <= 1 << 20 && (alignment & (alignment - 1)) === 0;
  if (!isPowerOfTwo)
    throw malformed(`${metadata.where}, key general.alignment`, "a power of two up to 2^20", alignment);
  return alignment;
}

interface TensorInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: number;
  /** Offset in the data part. */
  readonly offset: number;
}

function readTensorInfo(cursor: GgufCursor, alignment: number): TensorInfo {
  const name = cursor.string("a tensor name");
  const what = `tensor ${name.slice(0, 100)}`;
  const dimensions = cursor.u32(`the number of dimensions of ${what}`);
  if (dimensions > MOST_DIMENSIONS)
    throw cursor.malformed(`at most ${MOST_DIMENSIONS} dimensions of ${what}`, dimensions, 4);
  const sizes: number[] = [];
  for (let i = 0; i < dimensions; i++) sizes.push(readNatural(cursor, `a dimension of ${what}`));
  const elements = sizes.reduce((product, size) => product * size, 1);
  if (elements === 0 || elements > Number.MAX_SAFE_INTEGER / 8)
    throw cursor.malformed(`positive dimensions of ${what}`, sizes);
  const type = cursor.u32(`the type of ${what}`);
  const offset = readNatural(cursor, `the offset of ${what}`);
  if (offset % alignment !== 0)
    throw cursor.malformed(`an offset of ${what} that is a multiple of ${alignment}`, offset, 8);
  return { name, shape: sizes.reverse(), type, offset };
}

function readNatural(cursor: GgufCursor, what: string): number {
  const value = cursor.u64(what);
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw cursor.malformed(`a possible number for ${what}`, value, 8);
  return Number(value);
}

function placeTensor(info: TensorInfo, dataStart: number, source: ByteSource): GgufTensor {
  const where = `${source.name}, tensor ${info.name}`;
  const dtype = ggmlDtype(info.type);
  if (dtype === undefined)
    throw unsupported(
      where,
      `one of the types ${IMPORTABLE_DTYPES.join(", ")}`,
      ggmlTypeName(info.type),
      "quantise the model to one of these",
    );
  const columns = info.shape.at(-1) ?? 1;
  if (columns % BLOCK_SIZES[dtype].values !== 0)
    throw malformed(where, `rows of whole ${dtype} blocks (${BLOCK_SIZES[dtype].values} values)`, info.shape);
  if (info.shape.length < 2 && BLOCK_SIZES[dtype].values > 1)
    throw unsupported(where, "a vector of plain floats", dtype, "quantise matrices only");
  return { name: info.name, shape: info.shape, dtype, offset: dataStart + info.offset, source };
}

function checkPlaces(tensors: readonly GgufTensor[], source: ByteSource): void {
  const names = new Set<string>();
  let end = 0;
  for (const { name, shape, dtype, offset } of tensors.toSorted((a, b) => a.offset - b.offset)) {
    const where = `${source.name}, tensor ${name}`;
    if (names.has(name)) throw malformed(where, "each tensor once", "a second one");
    names.add(name);
    if (offset < end) throw malformed(where, `data from byte ${end} on, behind the tensor before`, offset);
    end = offset + tensorBytes(shape, dtype);
    if (end > source.byteLength)
      throw new MlcError(
        "ERR_INVALID_MODEL",
        `Expected ${end - offset} bytes of data at offset ${offset} for the tensor ${name} but ${source.name} ends at byte ${source.byteLength}: it is truncated, fetch it again.`,
        { details: { tensor: name, offset, bytes: end - offset, byteLength: source.byteLength } },
      );
  }
}
