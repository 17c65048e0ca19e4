/** How the next token is chosen and when a generation ends: options, defaults, validation. */
import { randomBytes } from "node:crypto";
import { MlcError } from "../errors.js";
import { expectBoolean, expectInteger, expectNumber, unexpected } from "./expectation.js";

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
  "repetitionPenalty",
  "presencePenalty",
  "frequencyPenalty",
  "logitBias",
  "seed",
  "stop",
  "stopTokens",
  "ignoreEos",
  "logprobs",
] as const satisfies readonly (keyof SamplingOptions)[];

/** A model's own defaults (manifest.generation). */
export interface SamplingDefaults {
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly repetitionPenalty?: number | undefined;
}

/** Checked options with every default filled in. */
export interface SamplingParams {
  /** Undefined: as many as the context holds. */
  readonly maxTokens: number | undefined;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  readonly logitBias: ReadonlyMap<number, number>;
  /** 64 bits, unsigned. */
  readonly seed: bigint;
  readonly stop: readonly string[];
  readonly stopTokens: readonly number[];
  readonly ignoreEos: boolean;
  readonly logprobs: number | undefined;
}

const MOST_STOPS = 16;
const LONGEST_STOP = 1024;

/**
 * Checks options and fills in defaults: the caller's value, else the model's, else neutral.
 * Errors: ERR_INVALID_ARGUMENT naming the option.
 */
export function resolveSampling(
  options: SamplingOptions,
  defaults: SamplingDefaults,
  vocabularySize: number,
): SamplingParams {
  const { maxTokens } = options;
  return {
    maxTokens:
      maxTokens === undefined ? undefined : expectInteger("maxTokens", maxTokens, 1, Number.MAX_SAFE_INTEGER),
    temperature: expectNumber("temperature", options.temperature ?? defaults.temperature ?? 1, 0, 100),
    topK: expectInteger("topK", options.topK ?? defaults.topK ?? 0, 0, Number.MAX_SAFE_INTEGER),
    topP: topP(options.topP ?? defaults.topP ?? 1),
    minP: expectNumber("minP", options.minP ?? 0, 0, 1),
    repetitionPenalty: expectNumber(
      "repetitionPenalty",
      options.repetitionPenalty ?? defaults.repetitionPenalty ?? 1,
      0.01,
      100,
    ),
    presencePenalty: expectNumber("presencePenalty", options.presencePenalty ?? 0, -2, 2),
    frequencyPenalty: expectNumber("frequencyPenalty", options.frequencyPenalty ?? 0, -2, 2),
    logitBias: logitBias(options.logitBias, vocabularySize),
    seed: seed(options.seed),
    stop: stopTexts(options.stop),
    stopTokens: stopTokens(options.stopTokens, vocabularySize),
    ignoreEos: expectBoolean("ignoreEos", options.ignoreEos ?? false),
    logprobs: options.logprobs === undefined ? undefined : expectInteger("logprobs", options.logprobs, 0, 20),
  };
}

function topP(value: unknown): number {
  const checked = expectNumber("topP", value, 0, 1);
  if (checked === 0) throw unexpected("topP", "a number above 0 and at most 1", value);
  return checked;
}

function seed(value: number | bigint | undefined): bigint {
  if (value === undefined) return randomBytes(8).readBigUInt64LE();
  const fits = typeof value === "bigint" ? BigInt.asIntN(65, value) === value : Number.isSafeInteger(value);
  if (!fits) throw unexpected("seed", "an integer of at most 64 bits", value);
  return BigInt.asUintN(64, BigInt(value));
}

function logitBias(value: unknown, vocabularySize: number): ReadonlyMap<number, number> {
  if (value === undefined) return new Map();
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw unexpected("logitBias", "an object of token id → bias", value);
  }
  return new Map(
    Object.entries(value).map(([key, bias]) => {
      const id = expectInteger(
        "a token id of logitBias",
        key.trim() === "" ? key : Number(key),
        0,
        vocabularySize - 1,
      );
      return [id, expectNumber(`logitBias[${id}]`, bias, -100, 100)];
    }),
  );
}

function stopTexts(value: unknown): readonly string[] {
  const list: readonly unknown[] = value === undefined ? [] : Array.isArray(value) ? value : [value];
  if (list.length > MOST_STOPS)
    throw unexpected("stop", `at most ${MOST_STOPS} texts`, `${list.length} texts`);
  return list.map((text) => {
    if (typeof text !== "string" || text === "" || text.length > LONGEST_STOP) {
      throw unexpected("stop", `non-empty texts of at most ${LONGEST_STOP} characters`, text);
    }
    return text;
  });
}

function stopTokens(value: unknown, vocabularySize: number): readonly number[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw unexpected("stopTokens", "a list of token ids", value);
  return value.map((id) => expectInteger("stopTokens", id, 0, vocabularySize - 1));
}

/**
 * Tokens that may be generated after a prompt.
 * Errors: ERR_CONTEXT_OVERFLOW where the prompt leaves no room for one token.
 */
export function roomFor(promptTokens: number, maxTokens: number | undefined, contextLength: number): number {
  const room = contextLength - promptTokens;
  if (room < 1) {
    throw new MlcError(
      "ERR_CONTEXT_OVERFLOW",
      `Expected a prompt of at most ${contextLength - 1} tokens (the context holds ${contextLength}, one is needed for the answer) but received ${promptTokens}: shorten the prompt, or load or compile with a longer context.`,
      { details: { promptTokens, contextLength } },
    );
  }
  return Math.min(maxTokens ?? room, room);
}
