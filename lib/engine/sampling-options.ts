/** How the next token is chosen and when a generation ends: what a caller may ask for. */

/** Options of one generation. Every field has a default; `undefined` means the default. */
export interface SamplingOptions {
  /** Most tokens to generate; default: as many as the context holds. */
  maxTokens?: number | undefined;
  /** 0 chooses the most likely token always (greedy); default: the model's own, else 1. */
  temperature?: number | undefined;
  /** Sample from the k most likely tokens; 0 is off. */
  topK?: number | undefined;
  /** Sample from the most likely tokens that together have this probability; 1 is off. */
  topP?: number | undefined;
  /** Leave out tokens less likely than this share of the most likely one; 0 is off. */
  minP?: number | undefined;
  /** Sample from the tokens of nearly the expected surprise that together have this probability; 1 is off. */
  typicalP?: number | undefined;
  /** How often XTC leaves out all tokens at least as likely as `xtcThreshold`, but the least likely of them; 0 is off. */
  xtcProbability?: number | undefined;
  /** A probability; default 0.1, and none above 0.5 has an effect. */
  xtcThreshold?: number | undefined;
  /** 2: Mirostat 2.0 in place of topK, topP, minP, typicalP and XTC; 0 is off. */
  mirostat?: 0 | 2 | undefined;
  /** Surprise a token, in bits, that Mirostat steers to; default 5. */
  mirostatTau?: number | undefined;
  /** How fast Mirostat steers; default 0.1. */
  mirostatEta?: number | undefined;
  /** Last tokens of prompt and answer that the three penalties below look at; 0 is none, -1, the default, all. */
  repeatLastN?: number | undefined;
  /** DRY: its penalty on the shortest repeat; 0 is off. */
  dryMultiplier?: number | undefined;
  /** What DRY's penalty grows by with each repeated token; default 1.75. */
  dryBase?: number | undefined;
  /** Longest repeat that DRY allows, in tokens; default 2. */
  dryAllowedLength?: number | undefined;
  /** Last tokens that DRY looks at; 0 is none, -1, the default, all. */
  dryRange?: number | undefined;
  /** Texts, or token ids, that repeats do not reach across; default: a new line, ":", '"' and "*". */
  drySequenceBreakers?: readonly (string | readonly number[])[] | undefined;
  /** Divides (multiplies, where negative) the logits of tokens that occurred, prompt included; 1 is off. */
  repetitionPenalty?: number | undefined;
  /** Subtracted once from the logits of generated tokens, between -2 and 2; 0 is off. */
  presencePenalty?: number | undefined;
  /** Subtracted from the logits of generated tokens for each occurrence, between -2 and 2; 0 is off. */
  frequencyPenalty?: number | undefined;
  /** Added to the logits of these token ids, between -100 and 100. */
  logitBias?: Readonly<Record<number, number>> | undefined;
  /** The same seed, request and package give the same tokens; default: a random one. */
  seed?: number | bigint | undefined;
  /** Fewest tokens to generate: no stop token is chosen and no stop text looked for before; default 0. */
  minTokens?: number | undefined;
  /** Texts that end the generation; not part of the result. At most 16. */
  stop?: string | readonly string[] | undefined;
  /** Token ids that end the generation, besides the model's own. */
  stopTokens?: readonly number[] | undefined;
  /** Go on after the model's end-of-text tokens, for measurements. */
  ignoreEos?: boolean | undefined;
  /** Report each token's log-probability and this many likeliest alternatives (0 to 20). Default: none. */
  logprobs?: number | undefined;
}

/** The names of `SamplingOptions`, for refusing others. */
export const SAMPLING_OPTION_NAMES = [
  "maxTokens",
  "temperature",
  "topK",
  "topP",
  "minP",
  "typicalP",
  "xtcProbability",
  "xtcThreshold",
  "mirostat",
  "mirostatTau",
  "mirostatEta",
  "repeatLastN",
  "dryMultiplier",
  "dryBase",
  "dryAllowedLength",
  "dryRange",
  "drySequenceBreakers",
  "repetitionPenalty",
  "presencePenalty",
  "frequencyPenalty",
  "logitBias",
  "seed",
  "minTokens",
  "stop",
  "stopTokens",
  "ignoreEos",
  "logprobs",
] as const satisfies readonly (keyof SamplingOptions)[];
