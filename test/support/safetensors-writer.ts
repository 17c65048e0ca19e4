/** Writes small safetensors files for tests. */

export interface WrittenSafetensor {
  /** Type name of the format: "F32", "BF16", … */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** The bytes of a safetensors file with these tensors in this order. */
export function writeSafetensors(tensors: Readonly<Record<string, WrittenSafetensor>>): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let offset = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  return safetensorsOf(
    header,
    Object.values(tensors).map(({ data }) => data),
  );
}

/** The bytes of a safetensors file with exactly this header, right or wrong. */
export function safetensorsOf(header: unknown, data: readonly Uint8Array[] = []): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.byteLength), true);
  return new Uint8Array(Buffer.concat([length, text, ...data]));
}

/** Float32 values as bytes. */
export function floatBytes(values: Iterable<number>): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}
