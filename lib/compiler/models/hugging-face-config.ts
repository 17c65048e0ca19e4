// Reads what all supported families share in config.json. Both spellings of rotary settings are known: `rope_theta` with
// `rope_scaling` (transformers 4) and `rope_parameters` (transformers 5).
import { MlcError } from "../../errors.js";
import type { HuggingFaceConfig } from "./architecture.js";
import type { DecoderConfig } from "./decoder-config.js";
import type { RopeScaling } from "./rope.js";

/** The part of the configuration that does not depend on the family. */
export type SharedDecoderConfig = Omit<DecoderConfig, "architecture" | "qkvBias" | "qkNorm" | "windows">;

/**
 * Reads the fields common to all decoder families.
 * @throws MlcError ERR_INVALID_MODEL for a missing or wrong field, ERR_UNSUPPORTED_FIELD for one not implemented.
 */
export function readSharedConfig(config: HuggingFaceConfig): SharedDecoderConfig {
  expectValue(config, "hidden_act", "silu");
  const attentionHeads = readCount(config, "num_attention_heads");
  const keyValueHeads = readCount(config, "num_key_value_heads", attentionHeads);
  const hiddenSize = readCount(config, "hidden_size");
  const headDim = readCount(config, "head_dim", hiddenSize / attentionHeads);
  if (attentionHeads % keyValueHeads !== 0)
    throw invalid(`num_attention_heads to be a multiple of num_key_value_heads`, {
      attentionHeads,
      keyValueHeads,
    });
  if (headDim % 2 !== 0) throw invalid("an even head_dim", { headDim });
  const padTokenId = readTokenIds(config, "pad_token_id")[0];
  const bosTokenId = readTokenIds(config, "bos_token_id")[0];
  return {
    vocabSize: readCount(config, "vocab_size"),
    hiddenSize,
    intermediateSize: readCount(config, "intermediate_size"),
    layers: readCount(config, "num_hidden_layers"),
    attentionHeads,
    keyValueHeads,
    headDim,
    rmsNormEps: readNumber(config, "rms_norm_eps", 1e-6),
    ...readRope(config, headDim),
    contextLength: readCount(config, "max_position_embeddings"),
    tieWordEmbeddings: config.tie_word_embeddings === true,
    ...(bosTokenId === undefined ? {} : { bosTokenId }),
    eosTokenIds: readTokenIds(config, "eos_token_id"),
    ...(padTokenId === undefined ? {} : { padTokenId }),
  };
}

/** @throws MlcError ERR_UNSUPPORTED_FIELD when `key` is there and holds anything but `expected`. */
export function expectValue(
  config: HuggingFaceConfig,
  key: string,
  expected: string | number | boolean,
): void {
  const value = config[key] ?? expected;
  if (value !== expected)
    throw new MlcError(
      "ERR_UNSUPPORTED_FIELD",
      `Expected ${key} ${JSON.stringify(expected)} in config.json but received ${JSON.stringify(value)}: this variant of the architecture is not implemented.`,
      { details: { field: key, value } },
    );
}

/** A positive integer, or `fallback` where the key is absent or null. */
export function readCount(config: HuggingFaceConfig, key: string, fallback?: number): number {
  const value = config[key] ?? fallback;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1)
    throw invalid(`a positive integer for ${key} in config.json`, { [key]: value });
  return value;
}

/** A number above 0, or `fallback` where the key is absent or null. */
export function readNumber(config: HuggingFaceConfig, key: string, fallback: number): number {
  const value = config[key] ?? fallback;
  if (typeof value !== "number" || !(value > 0))
    throw invalid(`a positive number for ${key} in config.json`, { [key]: value });
  return value;
}

/** Token ids of a key that holds one id, a list of ids, or nothing. */
export function readTokenIds(config: HuggingFaceConfig, key: string): readonly number[] {
  const value = config[key] ?? [];
  const ids: unknown[] = Array.isArray(value) ? value : [value];
  return ids.map((id) => {
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0)
      throw invalid(`a token id or a list of token ids for ${key} in config.json`, { [key]: value });
    return id;
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readRope(
  config: HuggingFaceConfig,
  headDim: number,
): Pick<DecoderConfig, "ropeTheta" | "ropeScaling"> {
  const section = [config.rope_parameters, config.rope_scaling].find(isRecord) ?? {};
  const rope = { rope_theta: config.rope_theta ?? 10000, ...section };
  expectValue({ ...config, ...rope }, "partial_rotary_factor", 1);
  const ropeTheta = readNumber(rope, "rope_theta", 10000);
  const ropeScaling = readFactors(config, headDim) ?? readScaling(section);
  return ropeScaling === undefined ? { ropeTheta } : { ropeTheta, ropeScaling };
}

/** The importer's form of a GGUF file's frequency divisors. */
function readFactors(config: HuggingFaceConfig, headDim: number): RopeScaling | undefined {
  const factors: unknown = config.rope_freq_factors ?? undefined;
  if (factors === undefined) return undefined;
  const isFactor = (value: unknown): value is number => typeof value === "number" && value > 0;
  if (!Array.isArray(factors) || factors.length !== headDim / 2 || !factors.every(isFactor))
    throw invalid(`${headDim / 2} positive rotary frequency factors`, { factors });
  return { type: "factors", factors };
}

function readScaling(section: Readonly<Record<string, unknown>>): RopeScaling | undefined {
  const type = section.rope_type ?? section.type ?? "default";
  switch (type) {
    case "default":
      return undefined;
    case "linear":
      return { type: "linear", factor: readFactor(section, "factor") };
    case "llama3":
      return readLlama3(section);
    default:
      throw new MlcError(
        "ERR_UNSUPPORTED_FIELD",
        `Expected rope_type "default", "linear" or "llama3" in config.json but received ${JSON.stringify(type)}.`,
        { details: { field: "rope_type", value: type } },
      );
  }
}

function readLlama3(section: Readonly<Record<string, unknown>>): RopeScaling {
  return {
    type: "llama3",
    factor: readFactor(section, "factor"),
    lowFreqFactor: readFactor(section, "low_freq_factor"),
    highFreqFactor: readFactor(section, "high_freq_factor"),
    originalContextLength: readCount(section, "original_max_position_embeddings"),
  };
}

/** A required positive number of the rotary section. */
function readFactor(section: Readonly<Record<string, unknown>>, key: string): number {
  return readNumber(section, key, Number.NaN);
}

function invalid(expected: string, received: Record<string, unknown>): MlcError {
  return new MlcError("ERR_INVALID_MODEL", `Expected ${expected} but received ${JSON.stringify(received)}.`, {
    details: received,
  });
}
