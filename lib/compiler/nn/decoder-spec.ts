// What a model is built from: the model's configuration, the formats its weights came in and the limits to serve.
import { MlcError } from "../../errors.js";
import type { KvDtype } from "../../package/kv-format.js";
import { kvPageDtype, wordShape } from "../kernels/index.js";
import type { KernelTarget } from "../kernels/kernel-target.js";
import type { LinearTuner } from "../kernels/linear-options.js";
import type { DecoderConfig } from "../models/decoder-config.js";
import type { EncoderConfig } from "../models/encoder-config.js";
import { isEncoder, type ModelConfig, modelParameters } from "../models/model-config.js";
import { GATE_UP, layerPrefix, type ParameterSpec } from "../models/parameters.js";
import { packedDtype, packedShape, type WeightFormat } from "../quantization/format.js";

export type { KvDtype };

/** How activations enter matrix products with quantised weights: rounded to 8 bits by groups of 32, or as they are. */
export type Activations = "int8" | "float32";

/** A model of a kind, `DecoderSpec` or `EncoderSpec`, or any. */
export interface ModelSpec<Config extends ModelConfig = ModelConfig> {
  readonly config: Config;
  /** Format of each matrix by parameter name; they also say in which layers gate and up projection are one parameter. */
  readonly formats: ReadonlyMap<string, WeightFormat>;
  readonly kvDtype: KvDtype;
  /** Upper bounds of the symbolic sizes: rows of a prefill step, sequences of a decode step. */
  readonly prefillChunk: number;
  readonly maxBatch: number;
  /** The processor the kernels are for; their own defaults where absent. */
  readonly target?: KernelTarget;
  /** Default "int8". */
  readonly activations?: Activations;
  /** Asked at each call of an integer product for its blocking; the processor's default where it does not know. */
  readonly tuner?: LinearTuner;
}

export type DecoderSpec = ModelSpec<DecoderConfig>;
export type EncoderSpec = ModelSpec<EncoderConfig>;

/** Whether the model is an encoder. */
export function isEncoderSpec(spec: ModelSpec): spec is EncoderSpec {
  return isEncoder(spec.config);
}

/** A parameter as the compiled functions receive it. */
export interface PackedParameter extends ParameterSpec {
  /** Format of a matrix; vectors are plain float32. */
  readonly format: WeightFormat | "vector";
  readonly packedShape: readonly number[];
  readonly dtype: "float32" | "float16" | "uint8" | "int32";
}

/** Whether gate and up projection of a layer are one parameter. */
export function hasGateUp({ formats }: Pick<ModelSpec, "formats">, layer: number): boolean {
  return formats.has(`${layerPrefix(layer)}.${GATE_UP}.weight`);
}

/** What the compiled functions take the elements of the KV pages for. */
export function pageDtype({ kvDtype, target }: Pick<ModelSpec, "kvDtype" | "target">): string {
  return target?.gpu === undefined ? kvDtype : kvPageDtype(kvDtype, target.gpu);
}

/**
 * The parameter list with formats, in the order of the functions' `params`; kernels for GPUs take matrices as int32 words.
 * @throws MlcError ERR_MISSING_TENSOR for a matrix without a format.
 */
export function packedParameters(spec: Pick<ModelSpec, "config" | "formats" | "target">): PackedParameter[] {
  return modelParameters(spec.config, (layer) => hasGateUp(spec, layer)).map((parameter) => {
    if (parameter.kind === "vector")
      return { ...parameter, format: "vector", packedShape: parameter.shape, dtype: "float32" };
    const format = spec.formats.get(parameter.name);
    if (format === undefined)
      throw new MlcError(
        "ERR_MISSING_TENSOR",
        `Expected a weight format for "${parameter.name}" but received none.`,
        {
          details: { name: parameter.name },
        },
      );
    const [rows = 0, columns = 0] = parameter.shape;
    if (spec.target?.gpu !== undefined)
      return { ...parameter, format, packedShape: wordShape(format, rows, columns), dtype: "int32" };
    return {
      ...parameter,
      format,
      packedShape: packedShape(format, rows, columns),
      dtype: packedDtype(format),
    };
  });
}
