import { readFileSync } from "node:fs";

/** A tensor of a safetensors file, float32 or int32. */
export interface PlainTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Reads a small safetensors file whole; independent of the importer, so that tests do not check it against itself. */
export function readSafetensors(file: string): Map<string, PlainTensor> {
  const bytes = readFileSync(file);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + headerLength)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, PlainTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [start, end] = entry.data_offsets;
    const data = new Uint8Array(bytes.subarray(8 + headerLength + start, 8 + headerLength + end)).buffer;
    if (entry.dtype !== "F32" && entry.dtype !== "I32") throw new Error(`unexpected dtype ${entry.dtype}`);
    tensors.set(name, {
      shape: entry.shape,
      data: entry.dtype === "F32" ? new Float32Array(data) : new Int32Array(data),
    });
  }
  return tensors;
}

/** One tensor of a small safetensors file; throws where the file has none of that name. */
export function readSafetensor(file: string, name: string): PlainTensor {
  const tensor = readSafetensors(file).get(name);
  if (tensor === undefined) throw new Error(`${file} has no tensor "${name}"`);
  return tensor;
}
