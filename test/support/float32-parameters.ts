import type { DecoderConfig } from "../../lib/compiler/models/decoder-config.js";
import { decoderParameters, ROPE_FREQUENCIES } from "../../lib/compiler/models/parameters.js";
import { inverseFrequencies } from "../../lib/compiler/models/rope.js";
import type { WeightFormat } from "../../lib/compiler/quantization/format.js";
import { Tensor } from "../../lib/ffi/index.js";
import type { PlainTensor } from "./safetensors.js";

const BLOCK = 16;

/** A checkpoint's weights as the compiled functions take them, all matrices in the format f32. */
export function float32Parameters(
  config: DecoderConfig,
  tensors: ReadonlyMap<string, PlainTensor>,
): { tensors: Tensor[]; formats: Map<string, WeightFormat> } {
  const formats = new Map<string, WeightFormat>();
  const packed = decoderParameters(config).map(({ name, kind, shape }) => {
    if (name === ROPE_FREQUENCIES)
      return Tensor.from(inverseFrequencies(config.headDim, config.ropeTheta, config.ropeScaling), shape);
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(`the checkpoint has no tensor ${name}`);
    if (kind === "vector") return Tensor.from(tensor.data, shape);
    formats.set(name, "f32");
    return packRows(tensor.data, shape[0] ?? 0, shape[1] ?? 0);
  });
  return { tensors: packed, formats };
}

/** Rows interleaved by 16, as docs/package-format.md draws it. */
function packRows(data: ArrayLike<number>, rows: number, columns: number): Tensor {
  const blocks = Math.ceil(rows / BLOCK);
  const packed = new Float32Array(blocks * columns * BLOCK);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const block = Math.floor(row / BLOCK);
      packed[(block * columns + column) * BLOCK + (row % BLOCK)] = data[row * columns + column] ?? Number.NaN;
    }
  return Tensor.from(packed, [blocks, columns, BLOCK]);
}
