import type { ModelShape } from "../../bench/gguf/model-shapes.js";

/** A small llama whose columns are whole blocks of 256: k-quants fit. */
export const WIDE_SHAPE: ModelShape = {
  architecture: "llama",
  layers: 3,
  hidden: 256,
  heads: 4,
  kvHeads: 2,
  feedForward: 512,
  vocabulary: 1000,
  qkvBias: false,
  ropeTheta: 10_000,
  normEpsilon: 1e-5,
  preTokenizer: "llama-bpe",
};
