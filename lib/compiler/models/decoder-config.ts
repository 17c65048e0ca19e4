import type { RopeScaling } from "./rope.js";

/** Names of the decoder architectures this compiler builds. */
export type ArchitectureName = "llama" | "mistral" | "qwen2" | "qwen3";

/**
 * Every architectural choice of a pre-norm decoder with rotary positions, grouped-query attention and a gated SiLU
 * feed-forward. An architecture file maps a source's configuration to it; everything after that reads only this.
 */
export interface DecoderConfig {
  readonly architecture: ArchitectureName;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  /** Width of the feed-forward layer (rows of gate_proj and of up_proj). */
  readonly intermediateSize: number;
  readonly layers: number;
  readonly attentionHeads: number;
  readonly keyValueHeads: number;
  /** Elements of one head; need not be hiddenSize / attentionHeads. Even. */
  readonly headDim: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  readonly ropeScaling?: RopeScaling;
  /** Most tokens the model was made for. */
  readonly contextLength: number;
  /** The output projection is the embedding table. */
  readonly tieWordEmbeddings: boolean;
  /** q_proj, k_proj and v_proj have a bias (qwen2). */
  readonly qkvBias: boolean;
  /** Positions that the rows of each layer see, their own included; undefined in a layer, or absent: all before. */
  readonly windows?: readonly (number | undefined)[];
  /** Queries and keys are RMS-normalised per head before rotation (qwen3). */
  readonly qkNorm: boolean;
  readonly bosTokenId?: number;
  readonly eosTokenIds: readonly number[];
  readonly padTokenId?: number;
}

/** Width of the fused query, key and value rows. */
export function qkvSize(config: Pick<DecoderConfig, "attentionHeads" | "keyValueHeads" | "headDim">): number {
  return (config.attentionHeads + 2 * config.keyValueHeads) * config.headDim;
}
