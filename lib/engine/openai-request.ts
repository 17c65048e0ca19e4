/** OpenAI request bodies → generation options. A field that is not supported is refused by name, never dropped. */
import { MlcError } from "../errors.js";
import { expectBoolean, expectInteger, shown, unexpected } from "./expectation.js";
import type { GenerateOptions } from "./text-generation.js";

/** What `stream` and `stream_options` ask for. */
export interface StreamRequest {
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

type Body = Readonly<Record<string, unknown>>;

/** Fields that become a generation option as they are; that option's own check names them. */
const OPTION_OF_FIELD: Readonly<Record<string, keyof GenerateOptions>> = {
  temperature: "temperature",
  top_p: "topP",
  top_k: "topK",
  min_p: "minP",
  presence_penalty: "presencePenalty",
  frequency_penalty: "frequencyPenalty",
  repetition_penalty: "repetitionPenalty",
  repeat_penalty: "repetitionPenalty",
  repeat_last_n: "repeatLastN",
  typical_p: "typicalP",
  xtc_probability: "xtcProbability",
  xtc_threshold: "xtcThreshold",
  mirostat: "mirostat",
  mirostat_tau: "mirostatTau",
  mirostat_eta: "mirostatEta",
  dry_multiplier: "dryMultiplier",
  dry_base: "dryBase",
  dry_allowed_length: "dryAllowedLength",
  dry_range: "dryRange",
  dry_penalty_last_n: "dryRange",
  dry_sequence_breakers: "drySequenceBreakers",
  min_tokens: "minTokens",
  stop_token_ids: "stopTokens",
  logit_bias: "logitBias",
  seed: "seed",
  stop: "stop",
  ignore_eos: "ignoreEos",
  priority: "priority",
  overflow: "overflow",
  sliding_keep: "slidingKeep",
  timeout_ms: "timeoutMs",
  queue_timeout_ms: "queueTimeoutMs",
};

/** Fields of other features with the values that ask for nothing; any other value is refused. */
const NEUTRAL: Readonly<Record<string, (value: unknown) => boolean>> = {
  best_of: (value) => value === 1,
  echo: (value) => value === false,
  suffix: (value) => value === "",
  store: (value) => value === false,
  tools: (value) => Array.isArray(value) && value.length === 0,
  functions: (value) => Array.isArray(value) && value.length === 0,
  tool_choice: (value) => value === "none",
  function_call: (value) => value === "none",
  service_tier: (value) => value === "auto" || value === "default",
  verbosity: (value) => value === "medium",
  modalities: (value) => Array.isArray(value) && value.length === 1 && value[0] === "text",
};

/** Fields of OpenAI's bookkeeping, which by their definition change nothing in an answer; their shape is checked. */
const WITHOUT_EFFECT: Readonly<Record<string, (value: unknown) => boolean>> = {
  user: isText,
  safety_identifier: isText,
  prompt_cache_key: isText,
  metadata: (value) => typeof value === "object" && Object.values(value as Body).every(isText),
};

/** Fields read elsewhere. */
const COMMON = ["model", "n", "stream", "stream_options", ...Object.keys(WITHOUT_EFFECT)];

/** The generation options of a body whose own fields (`messages`, `prompt`, ...) are `own`. */
export function generateOptionsOf(body: Body, own: readonly string[]): GenerateOptions {
  const options: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(body)) {
    if (value === undefined || value === null || own.includes(field) || COMMON.includes(field)) continue;
    const option = OPTION_OF_FIELD[field];
    if (option !== undefined) setOnce(options, option, field, value);
    else if (NEUTRAL[field]?.(value) !== true) throw unsupportedField(field, value);
  }
  return options as GenerateOptions;
}

/** Some options have two names: both may be there with one value. */
function setOnce(options: Record<string, unknown>, option: string, field: string, value: unknown): void {
  const known = options[option];
  if (known !== undefined && JSON.stringify(known) !== JSON.stringify(value)) {
    throw unexpected(field, `the same value as its other name has, ${shown(known)}`, value);
  }
  options[option] = value;
}

/** Checks `model` and the fields without effect, and reads what a body asks for in streaming. */
export function streamRequestOf(body: unknown): StreamRequest {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw unexpected("the request", "an object", body);
  }
  const { stream, stream_options: streamOptions } = body as Body;
  for (const [name, isValid] of Object.entries({ model: isText, ...WITHOUT_EFFECT })) {
    const value = (body as Body)[name];
    if (value !== undefined && value !== null && !isValid(value))
      throw unexpected(name, name === "metadata" ? "an object of strings" : "a string", value);
  }
  const streaming = expectBoolean("stream", stream ?? false);
  if (streamOptions === undefined || streamOptions === null)
    return { stream: streaming, includeUsage: false };
  if (!streaming) throw unexpected("stream_options", "no value without stream: true", streamOptions);
  if (typeof streamOptions !== "object") throw unexpected("stream_options", "an object", streamOptions);
  const { include_usage: includeUsage, ...rest } = streamOptions as Body;
  for (const [field, value] of Object.entries(rest)) {
    // `include_obfuscation: false` asks for what happens anyway.
    if (field !== "include_obfuscation" || value !== false)
      throw unsupportedField(`stream_options.${field}`, value);
  }
  return {
    stream: streaming,
    includeUsage: expectBoolean("stream_options.include_usage", includeUsage ?? false),
  };
}

/** The token limit of a chat body under either of its names. */
export function maxTokensOf(body: Body): number | undefined {
  const { max_completion_tokens: current, max_tokens: older } = body;
  if (current != null && older != null && current !== older) {
    throw unexpected("max_tokens", "the value of max_completion_tokens or none", older);
  }
  const value = current ?? older;
  if (value == null) return undefined;
  return expectInteger(
    current != null ? "max_completion_tokens" : "max_tokens",
    value,
    1,
    Number.MAX_SAFE_INTEGER,
  );
}

/** Number of alternatives a chat body asks log-probabilities for, or undefined for none. */
export function logprobsOf(body: Body): number | undefined {
  const wanted = expectBoolean("logprobs", body.logprobs ?? false);
  const { top_logprobs: top } = body;
  if (top === undefined || top === null) return wanted ? 0 : undefined;
  if (!wanted) throw unexpected("top_logprobs", "no value without logprobs: true", top);
  return expectInteger("top_logprobs", top, 0, 20);
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function unsupportedField(field: string, value: unknown): MlcError {
  return new MlcError(
    "ERR_UNSUPPORTED_FIELD",
    `Expected no ${field} but received ${shown(value)}: it is not supported, remove it.`,
    { details: { field } },
  );
}
