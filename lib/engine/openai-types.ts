/**
 * Request and response bodies in OpenAI's shapes (snake case as there), so that objects typed by the `openai` package can be
 * passed in and what comes out can be passed on. Fields beyond OpenAI's are marked.
 */
import type { ChatMessage } from "../chat/message.js";
import type { FunctionToolCall, Tool } from "../chat/tool-call.js";
import type { Grammar } from "./grammar.js";
import type { LogitProcessor } from "./logit-processor.js";

/** Fields both kinds of request have. `null` means absent, as in OpenAI's API. */
export interface CompletionParamsBase {
  /** Taken as it is: an engine has one model, and the answer names it. */
  model?: string | null;
  temperature?: number | null;
  top_p?: number | null;
  presence_penalty?: number | null;
  frequency_penalty?: number | null;
  logit_bias?: Record<string, number> | null;
  seed?: number | null;
  stop?: string | readonly string[] | null;
  /** Answers to the prompt, 1 to 128, each with its own seed; default 1. */
  n?: number | null;
  stream?: boolean | null;
  stream_options?: { include_usage?: boolean } | null;
  /** OpenAI's bookkeeping; these have no effect here. */
  user?: string | null;
  safety_identifier?: string | null;
  prompt_cache_key?: string | null;
  metadata?: Record<string, string> | null;
  store?: boolean | null;
  /** What the answer looks like; one of these fields at most (docs/structured-output.md). */
  response_format?: ResponseFormat | null;
  /** Beyond OpenAI's: any grammar; a text is one in GBNF. */
  grammar?: Grammar | string | null;
  /** vLLM's names. */
  guided_json?: object | string | null;
  guided_regex?: string | null;
  guided_choice?: readonly string[] | null;
  guided_grammar?: string | null;
  structural_tag?: object | string | null;
  /** Beyond OpenAI's. */
  top_k?: number | null;
  /** Beyond OpenAI's. */
  min_p?: number | null;
  /** Beyond OpenAI's. */
  repetition_penalty?: number | null;
  /** Ollama's name of `repetition_penalty`. */
  repeat_penalty?: number | null;
  /** Beyond OpenAI's: see SamplingOptions for these. */
  repeat_last_n?: number | null;
  typical_p?: number | null;
  xtc_probability?: number | null;
  xtc_threshold?: number | null;
  mirostat?: 0 | 2 | null;
  mirostat_tau?: number | null;
  mirostat_eta?: number | null;
  dry_multiplier?: number | null;
  dry_base?: number | null;
  dry_allowed_length?: number | null;
  dry_range?: number | null;
  /** llama.cpp's name of `dry_range`. */
  dry_penalty_last_n?: number | null;
  dry_sequence_breakers?: readonly (string | readonly number[])[] | null;
  min_tokens?: number | null;
  /** Beyond OpenAI's. */
  stop_token_ids?: readonly number[] | null;
  /** Beyond OpenAI's. */
  ignore_eos?: boolean | null;
  /** Higher goes first, -1000 to 1000. */
  priority?: number | null;
  /**
   * Beyond OpenAI's: a text that is too long is an error, loses its oldest turns, or slides on (`usage.extra.truncation` says
   * what was left out).
   */
  overflow?: "error" | "truncate-oldest" | "sliding" | null;
  /** With `overflow: "sliding"`: first tokens that stay. */
  sliding_keep?: number | null;
  /** Beyond OpenAI's: most milliseconds until the end, and until the first step. */
  timeout_ms?: number | null;
  queue_timeout_ms?: number | null;
}

/** Body of a chat completion. */
export interface ChatCompletionCreateParams extends CompletionParamsBase {
  messages: readonly ChatMessage[];
  max_completion_tokens?: number | null;
  /** OpenAI's older name of `max_completion_tokens`. */
  max_tokens?: number | null;
  logprobs?: boolean | null;
  top_logprobs?: number | null;
  /** Functions the model may call (docs/tools.md). */
  tools?: readonly Tool[] | null;
  /** Default "auto" with tools; with "none" the model is not told of them. */
  tool_choice?: ToolChoice | null;
  /** Whether an answer may hold several calls; default true. */
  parallel_tool_calls?: boolean | null;
  /** How much to think, where the model's chat template knows it. */
  reasoning_effort?: ReasoningEffort | null;
  /** Beyond OpenAI's, as OpenRouter has it. */
  reasoning?: ReasoningParams | null;
  /** vLLM's name of `reasoning.max_tokens`. */
  thinking_token_budget?: number | null;
  /** Beyond OpenAI's: variables for the chat template. */
  chat_template_kwargs?: Record<string, unknown> | null;
}

/** How much to think. */
export type ReasoningEffort = "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";

/** How a model thinks: `max_tokens` are the most tokens of thoughts, after which they are closed. */
export interface ReasoningParams {
  effort?: ReasoningEffort | null;
  max_tokens?: number | null;
}

/** `json_object` is any JSON object, or one of `schema`, as llama.cpp and web-llm have it. */
export type ResponseFormat =
  | { type: "text" }
  | { type: "json_object"; schema?: object | string }
  | {
      type: "json_schema";
      json_schema: {
        name: string;
        description?: string;
        schema?: Record<string, unknown>;
        strict?: boolean | null;
      };
    };

/** Which functions may or must be called. */
export type ToolChoice =
  | "none"
  | "auto"
  | "required"
  | { type: "function"; function: { name: string } }
  | { type: "custom"; custom: object }
  | {
      type: "allowed_tools";
      allowed_tools: { mode: "auto" | "required"; tools: readonly Record<string, unknown>[] };
    };

/** The model's answer. */
export interface ChatCompletionMessage {
  role: "assistant";
  /** Null where the model only called tools. */
  content: string | null;
  refusal: null;
  /** Beyond OpenAI's: what the model thought, where it did. */
  reasoning_content?: string;
  /** Absent where the model called none. */
  tool_calls?: FunctionToolCall[];
}

/** A piece of a call: the first of each index has id and name, the others more of the arguments. */
export interface ToolCallDelta {
  index: number;
  id?: string;
  type?: "function";
  function: { name?: string; arguments: string };
}

/** A piece of the model's answer. */
export interface ChatCompletionDelta {
  role?: "assistant";
  content?: string;
  /** Beyond OpenAI's. */
  reasoning_content?: string;
  tool_calls?: ToolCallDelta[];
}

/** Body of a text completion. */
export interface CompletionCreateParams extends CompletionParamsBase {
  /** A text, or token ids. */
  prompt: string | readonly number[];
  /** Default 16, as OpenAI's. */
  max_tokens?: number | null;
  /** Log-probabilities of the tokens and of so many likeliest ones at each place, 0 to 20 (OpenAI's limit is 5). */
  logprobs?: number | null;
}

/** Log-probabilities of a text completion, in OpenAI's older shape: one entry a token in each list. */
export interface TextLogprobs {
  tokens: string[];
  token_logprobs: number[];
  /** By the token's text; two tokens of one text keep the likelier. */
  top_logprobs: Record<string, number>[];
  /** Where each token begins in the choice's text, in UTF-16 units. */
  text_offset: number[];
}

/** Why a completion ended. */
export type CompletionFinishReason = "stop" | "length";

/** Why a chat completion ended; `tool_calls`: the model waits for their results. */
export type ChatFinishReason = CompletionFinishReason | "tool_calls";

/** Tokens of a request. */
export interface CompletionUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  /** Tokens of the prompt that did not have to be computed again. */
  prompt_tokens_details: { cached_tokens: number };
  /** Tokens of the answer that are thoughts. */
  completion_tokens_details: { reasoning_tokens: number };
  extra: UsageExtra;
}

/** Times of a request under web-llm's names, in seconds and tokens a second; of the first choice where there are several. */
export interface UsageExtra {
  e2e_latency_s: number;
  /** Null where no token came. */
  time_to_first_token_s: number | null;
  /** Null where fewer than two tokens came. */
  time_per_output_token_s: number | null;
  prefill_tokens_per_s: number | null;
  decode_tokens_per_s: number | null;
  /** What `overflow` left out; absent where nothing was. */
  truncation?: {
    dropped_turns: number;
    dropped_messages: number;
    dropped_tokens: number;
    original_prompt_tokens: number;
  };
}

/** Log-probability of one token. */
export interface TokenLogprob {
  token: string;
  /** Bytes the token stands for. */
  bytes: number[] | null;
  logprob: number;
}

/** Log-probabilities of an answer's tokens. */
export interface ChatLogprobs {
  content: (TokenLogprob & { top_logprobs: TokenLogprob[] })[];
  refusal: null;
}

/** An answer to a chat. */
export interface ChatCompletion {
  id: string;
  object: "chat.completion";
  /** Seconds since 1970. */
  created: number;
  model: string;
  /** Changes with the package, not with the run. */
  system_fingerprint: string;
  choices: {
    index: number;
    message: ChatCompletionMessage;
    logprobs: ChatLogprobs | null;
    finish_reason: ChatFinishReason;
  }[];
  usage: CompletionUsage;
}

/** A piece of an answer to a chat. */
export interface ChatCompletionChunk {
  id: string;
  object: "chat.completion.chunk";
  created: number;
  model: string;
  system_fingerprint: string;
  /** Empty in the last chunk of a stream with `include_usage`. */
  choices: {
    index: number;
    delta: ChatCompletionDelta;
    logprobs: ChatLogprobs | null;
    finish_reason: ChatFinishReason | null;
  }[];
  /** With `include_usage`: null but in the last chunk. */
  usage?: CompletionUsage | null;
}

/** The continuation of a text. */
export interface Completion {
  id: string;
  object: "text_completion";
  created: number;
  model: string;
  system_fingerprint: string;
  choices: {
    index: number;
    text: string;
    logprobs: TextLogprobs | null;
    finish_reason: CompletionFinishReason;
  }[];
  usage: CompletionUsage;
}

/** A chunk of a streamed text completion. */
export interface CompletionChunk {
  id: string;
  object: "text_completion";
  created: number;
  model: string;
  system_fingerprint: string;
  choices: {
    index: number;
    text: string;
    logprobs: TextLogprobs | null;
    finish_reason: CompletionFinishReason | null;
  }[];
  usage?: CompletionUsage | null;
}

/** Options of a call, beside its body. */
export interface CallOptions {
  /** Ends the call with ERR_ABORTED. */
  signal?: AbortSignal | undefined;
  /** As of GenerateOptions. */
  logitProcessor?: LogitProcessor | string | null | undefined;
}
