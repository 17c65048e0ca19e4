/**
 * The KV cache's element types and the layout of its pages: part of the package format (docs/package-format.md has the drawing).
 * A page holds 16 positions of all layers. Its smallest part is a record: the keys, or the values, of one KV head in one layer.
 */

/** Element types of the cache. "int8" is codes with a float32 scale for each key and each value of a head. */
export const KV_DTYPES = ["float32", "float16", "int8"] as const;
export type KvDtype = (typeof KV_DTYPES)[number];

/** Tokens in one page of the KV cache. */
export const PAGE_SIZE = 16;
const SCALE_BYTES = 4;
const ELEMENT_BYTES = { float32: 4, float16: 2, int8: 1 } as const;

/** Elements of a record: 16 positions of `headDim` elements, then, for "int8", 16 float32 scales as 64 elements of one byte. */
export function kvRecordSize(dtype: KvDtype, headDim: number): number {
  return PAGE_SIZE * (headDim + (dtype === "int8" ? SCALE_BYTES : 0));
}

/** Bytes of keys and values of one token in all layers. */
export function kvBytesPerToken(
  model: { readonly layers: number; readonly keyValueHeads: number; readonly headDim: number },
  dtype: KvDtype,
): number {
  const records = 2 * model.layers * model.keyValueHeads;
  return (records * kvRecordSize(dtype, model.headDim) * ELEMENT_BYTES[dtype]) / PAGE_SIZE;
}
