/** Names of the encoder architectures this compiler builds. */
export type EncoderName = "bert" | "roberta";

/** What becomes of a classifier's logits: one number that ranks a pair of texts. */
export type RankingScore = "sigmoid" | "softmax" | "logit";

/** The head of a sequence classifier, a cross-encoder: `output(tanh(dense(first row)))`. */
export interface ClassifierConfig {
  /** Logits of a text: 1, or 2 of which the second is that of the positive class. */
  readonly labels: number;
  readonly score: RankingScore;
}

/**
 * Every architectural choice of a post-norm encoder of the BERT family (arXiv 1810.04805): absolute positions, biases everywhere,
 * bidirectional attention and GELU. Its rows become embeddings, or its first row a classifier's logits; it generates nothing.
 */
export interface EncoderConfig {
  readonly kind: "encoder";
  readonly architecture: EncoderName;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  /** Width of the feed-forward layer. */
  readonly intermediateSize: number;
  readonly layers: number;
  readonly attentionHeads: number;
  /** As many as attentionHeads. */
  readonly keyValueHeads: number;
  /** Elements of one head; even. */
  readonly headDim: number;
  readonly layerNormEps: number;
  /** Rows of the source's position table before that of the first token (roberta counts from its padding id on). */
  readonly positionOffset: number;
  /** Rows of the source's table of token types; without a classifier all tokens are of type 0. */
  readonly tokenTypes: number;
  /** Absent: the rows are the result. */
  readonly classifier?: ClassifierConfig;
  /** Most tokens of a text: rows of the position table from the offset on. */
  readonly contextLength: number;
  readonly bosTokenId?: number;
  readonly eosTokenIds: readonly number[];
  readonly padTokenId?: number;
}
