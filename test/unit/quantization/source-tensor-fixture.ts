import { bfloat16ToFloat, floatToHalf, halfToFloat } from "../../../lib/compiler/importer/half-float.js";
import type { SourceTensor } from "../../../lib/compiler/importer/imported-model.js";

/** Reproducible numbers in [0, 1). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Weights like a trained model's: normal, a few outliers. */
export function randomWeights(count: number, seed: number): Float32Array {
  const random = randomNumbers(seed);
  return Float32Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random());
    return 0.05 * normal * (random() < 0.02 ? 4 : 1);
  });
}

/** A float source tensor of the given values. */
export function floatTensor(
  shape: readonly number[],
  values: Float32Array,
  dtype: "f32" | "f16" | "bf16" = "f32",
  name = "model.layers.0.mlp.up_proj.weight",
): SourceTensor {
  const width = shape[1] ?? 1;
  const stored = values.map((value) =>
    dtype === "f32" ? value : dtype === "f16" ? halfToFloat(floatToHalf(value)) : truncated(value),
  );
  return {
    name,
    shape,
    dtype,
    bytes: () => new Uint8Array(stored.buffer),
    readRows: (start, count) => stored.slice(start * width, (start + count) * width),
  };
}

/** The bfloat16 towards zero. */
function truncated(value: number): number {
  const word = new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
  return bfloat16ToFloat(word >>> 16);
}

const GGML_BYTES = { q4_0: 18, q4_1: 20, q8_0: 34 } as const;

/** A ggml tensor of random blocks (any code, small finite scales), with its values by ggml's own definition. */
export function ggmlTensor(
  shape: readonly [number, number],
  dtype: "q4_0" | "q4_1" | "q8_0",
  seed: number,
): SourceTensor & { readonly values: Float32Array } {
  const random = randomNumbers(seed);
  const [rows, columns] = shape;
  const blocks = (rows * columns) / 32;
  const size = GGML_BYTES[dtype];
  const bytes = Uint8Array.from({ length: blocks * size }, () => Math.floor(random() * 256));
  const view = new DataView(bytes.buffer);
  const values = new Float32Array(rows * columns);
  for (let block = 0; block < blocks; block++) {
    const at = block * size;
    view.setUint16(at, floatToHalf((random() - 0.5) * 0.1), true);
    if (dtype === "q4_1") view.setUint16(at + 2, floatToHalf((random() - 0.5) * 0.5), true);
    const scale = halfToFloat(view.getUint16(at, true));
    const minimum = dtype === "q4_1" ? halfToFloat(view.getUint16(at + 2, true)) : 0;
    for (let i = 0; i < 32; i++) {
      const code =
        dtype === "q8_0"
          ? view.getInt8(at + 2 + i)
          : (view.getUint8(at + size - 16 + (i % 16)) >> (i < 16 ? 0 : 4)) & 15;
      const product = (code - (dtype === "q4_0" ? 8 : 0)) * scale;
      values[block * 32 + i] = dtype === "q4_1" ? product + minimum : product;
    }
  }
  return {
    name: "model.layers.0.mlp.up_proj.weight",
    shape,
    dtype,
    values,
    bytes: () => bytes,
    readRows: (start, count) => values.slice(start * columns, (start + count) * columns),
  };
}
