import type { DecoderConfig } from "../../lib/compiler/models/decoder-config.js";
import {
  decoderParameters,
  type ParameterSpec,
  ROPE_FREQUENCIES,
} from "../../lib/compiler/models/parameters.js";
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
  return float32Tensors(decoderParameters(config), ({ name }) => {
    if (name === ROPE_FREQUENCIES)
      return inverseFrequencies(config.headDim, config.ropeTheta, config.ropeScaling);
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(`the checkpoint has no tensor ${name}`);
    return tensor.data;
  });
}

/** The parameters with the values that `valuesOf` finds. */
export function float32Tensors(
  parameters: readonly ParameterSpec[],
  valuesOf: (parameter: ParameterSpec) => Float32Array | Int32Array,
): { tensors: Tensor[]; formats: Map<string, WeightFormat> } {
  const formats = new Map<string, WeightFormat>();
  const tensors = parameters.map((parameter) => {
    const { name, kind, shape } = parameter;
    const values = valuesOf(parameter);
    if (kind === "vector") return Tensor.from(values, shape);
    formats.set(name, "f32");
    return packRows(values, shape[0] ?? 0, shape[1] ?? 0);
  });
  return { tensors, formats };
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
