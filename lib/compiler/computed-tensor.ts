import type { SourceTensor } from "./importer/imported-model.js";

/** A vector that no file holds, float32; `compute` is called at each reading. */
export function computedTensor(
  name: string,
  compute: () => Float32Array,
  shape: readonly number[],
): SourceTensor {
  return {
    name,
    shape,
    dtype: "f32",
    bytes: () => new Uint8Array(compute().buffer),
    readRows: (start, count) => compute().slice(start, start + count),
  };
}
