// GGUF metadata as a Hugging Face configuration (keys: docs/gguf.md of ggml, gguf-py constants.py).
import { MlcError } from "../../errors.js";
import { ggufEncoderConfig } from "./gguf-encoder-config.js";
import { HyperparameterReader } from "./gguf-hyperparameters.js";
import type { GgufMetadata } from "./gguf-metadata.js";
import { ggufTokenIds } from "./gguf-token-ids.js";
import { type HfConfig, parseHfConfig } from "./hf-config.js";
import { malformed } from "./malformed-file.js";

/** How llama.cpp stores an architecture, which the file itself does not say. */
export interface GgufConvention {
  /** Value of model_type in a configuration. */
  readonly modelType: string;
  /** Rows of the query and key projections are reordered for interleaved rotation. */
  readonly interleavedRope: boolean;
  /** An encoder has names and keys of its own. */
  readonly encoder?: boolean;
}

const CONVENTIONS: ReadonlyMap<string, GgufConvention> = new Map([
  ["llama", { modelType: "llama", interleavedRope: true }],
  ["qwen2", { modelType: "qwen2", interleavedRope: false }],
  ["qwen3", { modelType: "qwen3", interleavedRope: false }],
  ["bert", { modelType: "bert", interleavedRope: false, encoder: true }],
]);

/** Facts of the tensors the configuration depends on. */
export interface GgufTensorFacts {
  /** Rows of the token embedding. */
  readonly vocabSize: number | undefined;
  readonly hasOutputHead: boolean;
  readonly hasAttentionBias: boolean;
  readonly hasFeedForwardBias: boolean;
  /** Rows of an encoder's table of token types. */
  readonly tokenTypes: number | undefined;
  /** Values of rope_freqs.weight. */
  readonly ropeFrequencyFactors: readonly number[] | undefined;
}

/** The convention of the file's general.architecture. Errors: ERR_UNSUPPORTED_ARCHITECTURE, ERR_INVALID_MODEL where it is absent. */
export function ggufConvention(metadata: GgufMetadata): GgufConvention {
  const name = metadata.text("general.architecture");
  if (name === undefined) throw malformed(metadata.where, "the key general.architecture", undefined);
  const convention = CONVENTIONS.get(name);
  if (convention !== undefined) return convention;
  const supported = [...CONVENTIONS.keys()];
  throw new MlcError(
    "ERR_UNSUPPORTED_ARCHITECTURE",
    `Expected a GGUF of one of the architectures ${supported.join(", ")} in ${metadata.where} but received ${JSON.stringify(name.slice(0, 64))}.`,
    { details: { received: name, supported } },
  );
}

/** The configuration of a GGUF file. Errors: ERR_INVALID_MODEL for missing keys, ERR_UNSUPPORTED_ARCHITECTURE for variants. */
export function ggufConfig(metadata: GgufMetadata, facts: GgufTensorFacts): HfConfig {
  const convention = ggufConvention(metadata);
  const reader = new HyperparameterReader(metadata);
  if (convention.encoder) return ggufEncoderConfig(reader, convention.modelType, facts);
  const hiddenSize = reader.required("embedding_length");
  const heads = reader.required("attention.head_count");
  const headDim = reader.count("attention.key_length") ?? hiddenSize / heads;
  reader.refuse("attention.value_length", (value) => value !== headDim);
  reader.refuse("expert_count", (value) => value > 0);
  const slidingWindow = reader.count("attention.sliding_window") ?? 0;
  const rotated = reader.count("rope.dimension_count") ?? headDim;
  const config = {
    // llama.cpp writes Mistral as "llama"; a window tells it apart.
    model_type: convention.modelType === "llama" && slidingWindow > 0 ? "mistral" : convention.modelType,
    vocab_size: facts.vocabSize ?? reader.count("vocab_size"),
    hidden_size: hiddenSize,
    intermediate_size: reader.required("feed_forward_length"),
    num_hidden_layers: reader.required("block_count"),
    num_attention_heads: heads,
    num_key_value_heads: reader.count("attention.head_count_kv") ?? heads,
    head_dim: headDim,
    hidden_act: "silu",
    rms_norm_eps: reader.requiredNumber("attention.layer_norm_rms_epsilon"),
    max_position_embeddings: reader.required("context_length"),
    rope_theta: metadata.number(reader.key("rope.freq_base")) ?? 10000,
    rope_scaling: ropeScaling(reader),
    ...(rotated === headDim ? {} : { partial_rotary_factor: rotated / headDim }),
    ...(facts.ropeFrequencyFactors === undefined ? {} : { rope_freq_factors: facts.ropeFrequencyFactors }),
    ...(slidingWindow > 0 ? { sliding_window: slidingWindow } : {}),
    tie_word_embeddings: !facts.hasOutputHead,
    // Qwen 2 always has it; elsewhere it is a variant the architecture must know.
    ...(convention.modelType === "qwen2" ? {} : { attention_bias: facts.hasAttentionBias }),
    mlp_bias: facts.hasFeedForwardBias,
    ...ggufTokenIds(metadata),
  };
  return parseHfConfig(config, `${metadata.where} (metadata)`);
}

function ropeScaling(reader: HyperparameterReader): Record<string, unknown> | null {
  const { metadata } = reader;
  const type = metadata.text(reader.key("rope.scaling.type"));
  const factor =
    metadata.number(reader.key("rope.scaling.factor")) ?? metadata.number(reader.key("rope.scale_linear"));
  if (type === "none" || (type === undefined && (factor === undefined || factor === 1))) return null;
  const original = reader.count("rope.scaling.original_context_length");
  return {
    rope_type: type ?? "linear",
    ...(factor === undefined ? {} : { factor }),
    ...(original === undefined ? {} : { original_max_position_embeddings: original }),
  };
}
