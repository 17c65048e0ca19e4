/** The published models whose true shapes the benchmarks fill with random weights. All three tie embedding and head. */

/** Hyperparameters of a decoder, as its GGUF metadata names them. */
export interface ModelShape {
  readonly architecture: "llama" | "qwen2";
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  /** Query, key and value projections have biases. */
  readonly qkvBias: boolean;
  readonly ropeTheta: number;
  readonly normEpsilon: number;
  /** Name of the pre-tokenizer (key tokenizer.ggml.pre). */
  readonly preTokenizer: string;
}

export const MODEL_SHAPES = {
  "smollm2-135m": {
    architecture: "llama",
    layers: 30,
    hidden: 576,
    heads: 9,
    kvHeads: 3,
    feedForward: 1536,
    vocabulary: 49152,
    qkvBias: false,
    ropeTheta: 100_000,
    normEpsilon: 1e-5,
    preTokenizer: "smollm",
  },
  "qwen2.5-0.5b": {
    architecture: "qwen2",
    layers: 24,
    hidden: 896,
    heads: 14,
    kvHeads: 2,
    feedForward: 4864,
    vocabulary: 151936,
    qkvBias: true,
    ropeTheta: 1_000_000,
    normEpsilon: 1e-6,
    preTokenizer: "qwen2",
  },
  "llama-3.2-1b": {
    architecture: "llama",
    layers: 16,
    hidden: 2048,
    heads: 32,
    kvHeads: 8,
    feedForward: 8192,
    vocabulary: 128256,
    qkvBias: false,
    ropeTheta: 500_000,
    normEpsilon: 1e-5,
    preTokenizer: "llama-bpe",
  },
} as const satisfies Record<string, ModelShape>;

export type ShapeName = keyof typeof MODEL_SHAPES;
