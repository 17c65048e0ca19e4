/** How the next token is chosen and when a generation ends: defaults and validation. */
import { randomBytes } from "node:crypto";
import { MlcError } from "../errors.js";
import { expectBoolean, expectInteger, expectNumber, unexpected } from "./expectation.js";
import type { SamplingOptions } from "./sampling-options.js";
import { DEFAULT_BREAKERS } from "./sequence-breakers.js";

/** A model's own defaults (manifest.generation). */
export interface SamplingDefaults {
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly repetitionPenalty?: number | undefined;
}

/** Checked options of DRY. */
export interface DryOptions {
  readonly multiplier: number;
  readonly base: number;
  readonly allowedLength: number;
  readonly range: number;
  readonly sequenceBreakers: readonly (string | readonly number[])[];
}

/** Checked options with every default filled in. */
export interface SamplingParams {
  /** Undefined: as many as the context holds. */
  readonly maxTokens: number | undefined;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly typicalP: number;
  readonly xtcProbability: number;
  readonly xtcThreshold: number;
  /** 0: no Mirostat. */
  readonly mirostatTau: number;
  readonly mirostatEta: number;
  readonly repeatLastN: number;
  /** Undefined: no DRY. */
  readonly dry: DryOptions | undefined;
  readonly repetitionPenalty: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  readonly logitBias: ReadonlyMap<number, number>;
  /** 64 bits, unsigned. */
  readonly seed: bigint;
  readonly minTokens: number;
  readonly stop: readonly string[];
  readonly stopTokens: readonly number[];
  readonly ignoreEos: boolean;
  readonly logprobs: number | undefined;
}

const MOST_STOPS = 16;
const LONGEST_STOP = 1024;
/** The native engine counts tokens in 32 bits. */
const MOST_TOKENS = 2 ** 31 - 1;
/** Between the seeds of choices: odd, so that none occurs twice, and far from the seeds that callers choose. */
const CHOICE_STEP = 0x9e3779b97f4a7c15n;

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
    topP: share("topP", options.topP ?? defaults.topP ?? 1),
    minP: expectNumber("minP", options.minP ?? 0, 0, 1),
    typicalP: share("typicalP", options.typicalP ?? 1),
    xtcProbability: expectNumber("xtcProbability", options.xtcProbability ?? 0, 0, 1),
    xtcThreshold: expectNumber("xtcThreshold", options.xtcThreshold ?? 0.1, 0, 1),
    mirostatTau: mirostatTau(options),
    mirostatEta: expectNumber("mirostatEta", options.mirostatEta ?? 0.1, 0, 1),
    repeatLastN: expectInteger("repeatLastN", options.repeatLastN ?? -1, -1, MOST_TOKENS),
    dry: dryOptions(options, vocabularySize),
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
    minTokens: minTokens(options.minTokens, maxTokens),
    stop: stopTexts(options.stop),
    stopTokens: stopTokens(options.stopTokens, vocabularySize),
    ignoreEos: expectBoolean("ignoreEos", options.ignoreEos ?? false),
    logprobs: options.logprobs === undefined ? undefined : expectInteger("logprobs", options.logprobs, 0, 20),
  };
}

function share(name: string, value: unknown): number {
  const checked = expectNumber(name, value, 0, 1);
  if (checked === 0) throw unexpected(name, "a number above 0 and at most 1", value);
  return checked;
}

function mirostatTau({ mirostat = 0, mirostatTau: tau = 5 }: SamplingOptions): number {
  const checked = expectNumber("mirostatTau", tau, 0, 100);
  if (mirostat !== 0 && mirostat !== 2) {
    throw unexpected("mirostat", "2 (Mirostat 2.0) or 0 (off)", mirostat);
  }
  if (mirostat === 0) return 0;
  if (checked === 0) throw unexpected("mirostatTau", "a number above 0 with mirostat: 2", tau);
  return checked;
}

function minTokens(value: number | undefined, maxTokens: number | undefined): number {
  const most = Math.min(maxTokens ?? MOST_TOKENS, MOST_TOKENS);
  return expectInteger("minTokens", value ?? 0, 0, most);
}

function dryOptions(options: SamplingOptions, vocabularySize: number): DryOptions | undefined {
  const dry = {
    multiplier: expectNumber("dryMultiplier", options.dryMultiplier ?? 0, 0, 1000),
    base: expectNumber("dryBase", options.dryBase ?? 1.75, 1, 1000),
    allowedLength: expectInteger("dryAllowedLength", options.dryAllowedLength ?? 2, 0, MOST_TOKENS),
    range: expectInteger("dryRange", options.dryRange ?? -1, -1, MOST_TOKENS),
    sequenceBreakers: sequenceBreakers(options.drySequenceBreakers ?? DEFAULT_BREAKERS, vocabularySize),
  };
  return dry.multiplier === 0 ? undefined : dry;
}

function sequenceBreakers(value: unknown, vocabularySize: number): DryOptions["sequenceBreakers"] {
  const name = "drySequenceBreakers";
  if (!Array.isArray(value)) throw unexpected(name, "a list of texts or lists of token ids", value);
  return value.map((breaker: unknown) => {
    if (typeof breaker === "string" && breaker !== "" && breaker.length <= LONGEST_STOP) return breaker;
    if (!Array.isArray(breaker) || breaker.length === 0) {
      throw unexpected(name, "texts and lists of token ids that are not empty", breaker);
    }
    return breaker.map((id) => expectInteger(name, id, 0, vocabularySize - 1));
  });
}

/** The seeds of the choices of a request: the first has the request's own, the others follow from it and their index. */
export function choiceSeeds(options: Pick<SamplingOptions, "seed">, choices: number): bigint[] {
  const first = seed(options.seed);
  return Array.from({ length: choices }, (_, index) =>
    BigInt.asUintN(64, first + BigInt(index) * CHOICE_STEP),
  );
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
