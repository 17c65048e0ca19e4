// The parameter list of a decoder: names, shapes and order. Importer, package writer and network builder all read it here.
import { type DecoderConfig, qkvSize } from "./decoder-config.js";

/** One entry of the parameter list. Matrices are `[outputs, inputs]` and may be quantised; vectors stay float32. */
export interface ParameterSpec {
  readonly name: string;
  readonly kind: "matrix" | "vector";
  readonly shape: readonly number[];
}

/** The synthetic parameter that holds the rotary frequencies, float32 `[headDim / 2]`. */
export const ROPE_FREQUENCIES = "rope.inv_freq";

/** The parameters of a model in the order of its package and of the compiled functions' `params` array. */
export function decoderParameters(config: DecoderConfig): ParameterSpec[] {
  const layers = Array.from({ length: config.layers }, (_, layer) => layerParameters(config, layer));
  return [
    matrix("model.embed_tokens.weight", config.vocabSize, config.hiddenSize),
    vector(ROPE_FREQUENCIES, config.headDim / 2),
    ...layers.flat(),
    vector("model.norm.weight", config.hiddenSize),
    ...(config.tieWordEmbeddings ? [] : [matrix("lm_head.weight", config.vocabSize, config.hiddenSize)]),
  ];
}

function layerParameters(config: DecoderConfig, layer: number): ParameterSpec[] {
  const { hiddenSize, intermediateSize, headDim } = config;
  const attentionSize = config.attentionHeads * headDim;
  const keyValueSize = (qkvSize(config) - attentionSize) / 2;
  const projections = [
    ["q", attentionSize],
    ["k", keyValueSize],
    ["v", keyValueSize],
  ] as const;
  const prefix = `model.layers.${layer}`;
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
    vector(`${prefix}.post_attention_layernorm.weight`, hiddenSize),
    matrix(`${prefix}.mlp.gate_proj.weight`, intermediateSize, hiddenSize),
    matrix(`${prefix}.mlp.up_proj.weight`, intermediateSize, hiddenSize),
    matrix(`${prefix}.mlp.down_proj.weight`, hiddenSize, intermediateSize),
  ];
}

function matrix(name: string, outputs: number, inputs: number): ParameterSpec {
  return { name, kind: "matrix", shape: [outputs, inputs] };
}

function vector(name: string, size: number): ParameterSpec {
  return { name, kind: "vector", shape: [size] };
}
