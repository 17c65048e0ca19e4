// The parameter list of a decoder: names, shapes and order. Importer, package writer and network builder all read it here.
import { type DecoderConfig, qkvSize } from "./decoder-config.js";

/** One entry of the parameter list. Matrices are `[outputs, inputs]` and may be quantised; vectors stay float32. */
export interface ParameterSpec {
  readonly name: string;
  readonly kind: "matrix" | "vector";
  readonly shape: readonly number[];
  /** Tensors of the source whose rows take turns in this one, 16 at a time; absent: the tensor of this name. */
  readonly alternates?: readonly string[];
}

/** The synthetic parameter that holds the rotary frequencies, float32 `[headDim / 2]`. */
export const ROPE_FREQUENCIES = "rope.inv_freq";

/** The feed-forward layer's gate and up projection, as one parameter or as two (names in a layer). */
export const GATE_UP = "mlp.gate_up_proj";
export const GATE_AND_UP = ["mlp.gate_proj", "mlp.up_proj"] as const;

/**
 * The parameters of a model in the order of its package and of the compiled functions' `params` array.
 * @param alternating whether gate and up projection of a layer are one parameter, whose row blocks take turns. Default: they are two.
 */
export function decoderParameters(
  config: DecoderConfig,
  alternating: (layer: number) => boolean = () => false,
): ParameterSpec[] {
  const layers = Array.from({ length: config.layers }, (_, layer) => [
    ...attentionParameters(config, layer),
    ...feedForwardParameters(config, layer, alternating(layer)),
  ]);
  return [
    matrix("model.embed_tokens.weight", config.vocabSize, config.hiddenSize),
    vector(ROPE_FREQUENCIES, config.headDim / 2),
    ...layers.flat(),
    vector("model.norm.weight", config.hiddenSize),
    ...(config.tieWordEmbeddings ? [] : [matrix("lm_head.weight", config.vocabSize, config.hiddenSize)]),
  ];
}

/** Name of a layer's parameters up to its parts. */
export function layerPrefix(layer: number): string {
  return `model.layers.${layer}`;
}

function attentionParameters(config: DecoderConfig, layer: number): ParameterSpec[] {
  const { hiddenSize, headDim } = config;
  const attentionSize = config.attentionHeads * headDim;
  const keyValueSize = (qkvSize(config) - attentionSize) / 2;
  const projections = [
    ["q", attentionSize],
    ["k", keyValueSize],
    ["v", keyValueSize],
  ] as const;
  const prefix = layerPrefix(layer);
  return [
    vector(`${prefix}.input_layernorm.weight`, hiddenSize),
    ...projections.map(([name, rows]) => matrix(`${prefix}.self_attn.${name}_proj.weight`, rows, hiddenSize)),
    ...(config.qkvBias
      ? projections.map(([name, rows]) => vector(`${prefix}.self_attn.${name}_proj.bias`, rows))
      : []),
    ...(config.qkNorm
      ? ["q", "k"].map((name) => vector(`${prefix}.self_attn.${name}_norm.weight`, headDim))
      : []),
    matrix(`${prefix}.self_attn.o_proj.weight`, hiddenSize, attentionSize),
  ];
}

function feedForwardParameters(config: DecoderConfig, layer: number, alternating: boolean): ParameterSpec[] {
  const { hiddenSize, intermediateSize } = config;
  const prefix = layerPrefix(layer);
  const alternates = GATE_AND_UP.map((name) => `${prefix}.${name}.weight`);
  return [
    vector(`${prefix}.post_attention_layernorm.weight`, hiddenSize),
    ...(alternating
      ? [{ ...matrix(`${prefix}.${GATE_UP}.weight`, 2 * intermediateSize, hiddenSize), alternates }]
      : alternates.map((name) => matrix(name, intermediateSize, hiddenSize))),
    matrix(`${prefix}.mlp.down_proj.weight`, hiddenSize, intermediateSize),
  ];
}

/** A matrix that may be quantised. */
export function matrix(name: string, outputs: number, inputs: number): ParameterSpec {
  return { name, kind: "matrix", shape: [outputs, inputs] };
}

/** A vector, which stays float32. */
export function vector(name: string, size: number): ParameterSpec {
  return { name, kind: "vector", shape: [size] };
}
