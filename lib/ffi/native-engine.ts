/** The native engine: token ids in, token ids out, on a C++ thread of its own (cpp/engine). */
import { native } from "./native.js";
import type { NativeEngineConfig, NativeParameter, NativeSpeculation } from "./native-config.js";

export type { NativeEngineConfig, NativeParameter, NativeSpeculation };

export interface NativeRequest {
  /** Chosen by the caller; not in use by another unfinished request of this engine. */
  readonly id: number;
  /** Prompt, at least one token, at most contextLength - 1. */
  readonly tokens: Int32Array;
  /** At least 1. */
  readonly maxTokens: number;
  /** Any of them ends generation with finish "stop"; it is reported as the last token. */
  readonly stopTokens: Int32Array;
  /** Go on after a stop token. */
  readonly ignoreEos?: boolean;
  /** Higher goes first, -1000 to 1000; a level weighs as much as 128 steps of waiting. Default 0. */
  readonly priority?: number;
  /** The text slides at contextLength: `slideKeep` first tokens stay (at most half), of the others the older half goes. Absent: finish "length". */
  readonly slideKeep?: number;
  /** 0 is greedy. */
  readonly temperature: number;
  /** Keep the k likeliest tokens; 0 is off. */
  readonly topK: number;
  /** Keep the smallest set of tokens whose probability reaches topP; 1 is off. */
  readonly topP: number;
  /** Drop tokens less likely than minP times the likeliest; 0 is off. */
  readonly minP: number;
  /** Keep the smallest set of tokens of nearly the expected surprise whose probability reaches this; 1, the default, is off. */
  readonly typicalP?: number;
  /** How often all tokens as likely as `xtcThreshold` but the least likely of them are dropped; 0, the default, is off. */
  readonly xtcProbability?: number;
  /** A probability; default 0.1. */
  readonly xtcThreshold?: number;
  /** Surprise in bits that Mirostat 2.0 steers to, in place of topK, topP, minP, typicalP and XTC; 0, the default, is off. */
  readonly mirostatTau?: number;
  /** How fast Mirostat steers, 0 to 1; default 0.1. */
  readonly mirostatEta?: number;
  /** Last tokens of prompt and answer that the three penalties look at; -1, the default, is all. */
  readonly penaltyWindow?: number;
  /** The penalty on tokens that continue a repeat. */
  readonly dry?: NativeDry;
  /** Tokens of the answer before which no stop token is chosen; default 0. */
  readonly minTokens?: number;
  /** Each token waits until the logits that an event brought are given back by replyLogits(). */
  readonly externalLogits?: boolean;
  /** Divides positive and multiplies negative logits of tokens seen in prompt or answer; 1 is off. */
  readonly repetitionPenalty: number;
  /** Subtracted once from logits of tokens seen in the answer; 0 is off. */
  readonly presencePenalty: number;
  /** Subtracted from logits of tokens of the answer as often as they occur; 0 is off. */
  readonly frequencyPenalty: number;
  /** Added to the logits of these tokens. */
  readonly logitBias?: { readonly ids: Int32Array; readonly values: Float32Array };
  /** Two requests with the same seed, parameters and prompt get the same tokens, whatever else runs. Taken modulo 2^64. */
  readonly seed: bigint;
  /** Reports the log-probability of each token and of this many alternatives (0 to 20), before penalties and temperature. */
  readonly logprobs?: number;
  /** What the answer must match; after useVocabulary(). The request waits until it is compiled; ERR_INVALID_GRAMMAR ends it. Where
   * nothing but stop tokens may follow, it ends with finish "stop" and without one. */
  readonly grammar?: NativeGrammar;
  /** How thoughts are marked: they are counted, and held to a budget where there is one. */
  readonly thought?: NativeThought;
}

/** The thoughts of an answer. */
export interface NativeThought {
  /** Tokens before and after a thought; neither counts. At least one each. */
  readonly begin: Int32Array;
  readonly end: Int32Array;
  /** What comes in the model's place once the budget is used up, and leads out of the thought. A grammar that forbids it goes first. */
  readonly close: Int32Array;
  /** Most tokens of all thoughts together; absent: as many as the model wants. */
  readonly budget?: number;
  /** The prompt ends inside a thought. */
  readonly begun: boolean;
}

/** A grammar for the compiler (xgrammar). */
export interface NativeGrammar {
  readonly kind: "json_schema" | "ebnf" | "regex" | "structural_tag";
  /** JSON of a schema or a structural tag, rules in GBNF notation, or an expression. */
  readonly text: string;
  /** First rule of "ebnf". */
  readonly root?: string;
  /**
   * Rules for constants of a schema or of those in a structural tag, in GBNF notation: a constant that is a name with this prefix
   * stands for the rule of that name. Both or neither.
   */
  readonly rules?: string;
  readonly prefix?: string;
}

/** DRY: multiplier * base^(n - allowedLength) is subtracted from the logit of a token that would repeat n tokens and itself. */
export interface NativeDry {
  /** 0 is off. */
  readonly multiplier: number;
  /** At least 1. */
  readonly base: number;
  readonly allowedLength: number;
  /** Last tokens looked at; -1 is all. */
  readonly range: number;
  /** Token sequences that repeats do not reach across, one after the other. */
  readonly breakers: Int32Array;
  /** Tokens of each. */
  readonly breakerLengths: Int32Array;
}

/** Log-probabilities of one generated token. */
export interface NativeLogprobs {
  readonly logprob: number;
  /** Likeliest tokens, best first. */
  readonly top: readonly { readonly id: number; readonly logprob: number }[];
}

export type NativeFinish = "stop" | "length" | "abort" | "error";

/** Times of one request in milliseconds. */
export interface NativeTiming {
  /** From submit to the first step that computed a part of it. */
  readonly queueMs: number;
  /** From there to its first token; 0 when there was none. */
  readonly prefillMs: number;
  /** From the first token to the last. */
  readonly decodeMs: number;
}

/** Which rows of a text make its embedding: the mean of all, the first, or the last one. */
export type NativePooling = "mean" | "cls" | "last";

/** What happened to one request since its last event. */
export interface NativeEvent {
  readonly id: number;
  /** New tokens; empty when the request only ended. */
  readonly tokens: readonly number[];
  /** One entry a token when the request asked for log-probabilities. */
  readonly logprobs?: readonly NativeLogprobs[];
  /** Of a request with externalLogits, when its next token is due: to change and to give to replyLogits(). */
  readonly logits?: Float32Array;
  /** Set on the last event of a request. */
  readonly finish?: NativeFinish;
  /** Set when finish is "error". */
  readonly error?: { readonly code: string; readonly message: string };
  /** Set with finish. */
  readonly promptTokens?: number;
  /** Set with the first token and with finish: tokens of the prompt that were found in the prefix cache. */
  readonly cachedTokens?: number;
  /** Set with finish. */
  readonly completionTokens?: number;
  /** Set with finish: how often the request lost its pages to an older one and was computed again. */
  readonly preemptions?: number;
  /** Tokens of prompt and answer left out so far, once the text has slid. */
  readonly droppedTokens?: number;
  /** Tokens of thoughts so far, once there are any (NativeThought). */
  readonly thoughtTokens?: number;
  /** Set with finish: drafted tokens that were computed, and those of them that were chosen too (speculation). */
  readonly draftedTokens?: number;
  readonly acceptedTokens?: number;
  /** Set with the first token (decodeMs is then 0) and with finish. */
  readonly timing?: NativeTiming;
}

/** Observations by bucket: counts[i] of those at most bounds[i] and above bounds[i - 1]; the last count is of those above all. */
export interface NativeHistogram {
  readonly bounds: Float64Array;
  /** One more than bounds; not cumulative. */
  readonly counts: Float64Array;
  readonly count: number;
  readonly sum: number;
}

/** Distributions since load; those of requests count each request once, those of steps each step. */
export interface NativeHistograms {
  /** From submit to the first step that computed a part of the request. */
  readonly queueSeconds: NativeHistogram;
  /** From submit to the first token. */
  readonly firstTokenSeconds: NativeHistogram;
  /** From one token of a request to its next. */
  readonly interTokenSeconds: NativeHistogram;
  /** From submit to the end, of requests that were neither aborted nor failed. */
  readonly requestSeconds: NativeHistogram;
  readonly requestPromptTokens: NativeHistogram;
  readonly requestGeneratedTokens: NativeHistogram;
  /** Time in the model's functions and in sampling. */
  readonly stepSeconds: NativeHistogram;
  readonly stepSequences: NativeHistogram;
  /** Token rows: prompts and decodes together. */
  readonly stepRows: NativeHistogram;
}

/** A recording of steps and requests; times in milliseconds since its start. */
export interface NativeTrace {
  readonly durationMs: number;
  /** Older steps and spans that made room for newer ones. */
  readonly droppedSteps: number;
  readonly droppedSpans: number;
  /** Six numbers a step: start, time of the model, time of sampling after it, sequences, rows of prompts, rows of decodes. */
  readonly steps: Float64Array;
  /**
   * Seven numbers a span: request id, phase (0 the whole request, 1 queued, 2 prefill, 3 decode, 4 preempted), start, end, tokens
   * of the prompt, tokens of the answer, and for the whole how it ended (0 not yet, 1 stop, 2 length, 3 abort, 4 error). Spans are in
   * the order of their ends.
   */
  readonly spans: Float64Array;
}

export interface NativeEngineStats {
  /** Requests that wait for their first step, or again after a preemption. */
  readonly waiting: number;
  readonly running: number;
  readonly pagesTotal: number;
  /** Pages no request uses, those in the prefix cache among them. */
  readonly pagesFree: number;
  /** Pages no request uses and the prefix cache keeps. */
  readonly pagesCached: number;
  /** Prefixes that are pinned. */
  readonly pins: number;
  /** Most pages in use at one time since load. */
  readonly pagesPeak: number;
  /** Bytes of the KV pool (address space). */
  readonly kvBytes: number;
  readonly weightBytes: number;
  readonly threads: number;
  /** Steps since load, and what they computed. */
  readonly steps: number;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly finished: number;
  readonly aborted: number;
  readonly failed: number;
  readonly preemptions: number;
  /** Times a request asked the prefix cache, the tokens it asked for, and those it found there. */
  readonly prefixLookups: number;
  readonly prefixLookupTokens: number;
  readonly prefixHitTokens: number;
  /** Cached pages that were used for something else. */
  readonly prefixEvictions: number;
  /** Drafted tokens that were computed, and those of them that were chosen too. */
  readonly draftedTokens: number;
  readonly acceptedTokens: number;
  /** Time in the model's functions and in sampling since load, in milliseconds. */
  readonly forwardMs: number;
  readonly samplingMs: number;
  /** Time the load took, in milliseconds. */
  readonly loadMs: number;
  readonly histograms: NativeHistograms;
}

/** How logits are computed. */
export interface EvaluateOptions {
  /** Rows of a prefill step for each sequence; default and upper bound: prefillChunk. */
  readonly chunk?: number;
  /** Feed the last ids of each sequence one by one, this many. */
  readonly decode?: number;
  /** Run all sequences as one batch. */
  readonly together?: boolean;
}

/**
 * One loaded model. Methods throw MlcError: ERR_DISPOSED after dispose(), ERR_INVALID_ARGUMENT for wrong values.
 * Events of all requests arrive in one call a step, on the thread that loaded the engine.
 */
export interface NativeEngine {
  /**
   * Queues a request. Throws ERR_CONTEXT_OVERFLOW when the prompt is longer than contextLength - 1, and
   * ERR_INSUFFICIENT_MEMORY when it could never fit into the KV pool. Generation that reaches the context length (or fills
   * the whole pool) ends with finish "length".
   */
  submit(request: NativeRequest): void;
  /**
   * The bytes of all tokens, one after the other, and how many each has (none: it never matches), and the model's own stop tokens.
   * Needed before the first grammar; later calls change nothing.
   */
  useVocabulary(bytes: Uint8Array, lengths: Int32Array, stopTokens: Int32Array): void;
  /**
   * How many tokens of each text may follow one another from the beginning of the grammar; one more where the text may also end
   * there. Errors: ERR_INVALID_GRAMMAR, ERR_ABORTED when the engine is disposed meanwhile.
   */
  matchGrammar(grammar: NativeGrammar, texts: readonly Int32Array[]): Promise<Int32Array>;
  /** Ends a request, wherever it is; its pages are free before the event with finish "abort" arrives. Unknown ids: nothing. */
  abort(id: number): void;
  /** abort() of a request of which no step has computed a part yet; else nothing. */
  abortIfQueued(id: number): void;
  /** Chooses the next token of a request with externalLogits from `logits` [vocab], which are copied. Requests that have ended:
   * nothing. NaN, Infinity or no finite logit end the request with ERR_INVALID_ARGUMENT. */
  replyLogits(id: number, logits: Float32Array): void;
  /**
   * Logits [rows, length, vocab] of token rows of one length, for numeric checks. Requests that run at the time lose their
   * pages when there are too few. Rejects with ERR_ABORTED when the engine is disposed meanwhile.
   */
  evaluate(rows: readonly Int32Array[], options?: EvaluateOptions): Promise<Float32Array>;
  /**
   * One vector of each text, float32 [texts, hidden]: pooled from the rows after the final norm, not normalised. Texts share forward
   * passes with those of other calls, beside generation. `id` is chosen by the caller as for submit(); abort(id) rejects with
   * ERR_ABORTED, as does dispose(). Throws ERR_CONTEXT_OVERFLOW for a text longer than contextLength, ERR_INSUFFICIENT_MEMORY for one
   * that could never fit into the KV pool; rejects with ERR_UNSUPPORTED_FIELD where the library has no function `encode`.
   */
  embed(id: number, texts: readonly Int32Array[], pooling: NativePooling): Promise<Float32Array>;
  /**
   * Keeps the KV pages of the longest prefix of `tokens` that there is, in place of what was pinned under this id before, until
   * `unpin` or until requests need them; resolves with the tokens kept (whole pages).
   */
  pin(id: number, tokens: Int32Array): Promise<number>;
  /** Lets go of what is pinned under the id; nothing where there is none. */
  unpin(id: number): void;
  /** The KV pages of the longest prefix of `tokens` that there is, one after the other. */
  readPrefix(tokens: Int32Array): Promise<Uint8Array>;
  /**
   * Puts pages that `readPrefix` gave for `tokens` into the prefix cache and pins them; resolves with the tokens kept.
   * Errors: ERR_INVALID_ARGUMENT for bytes that are no pages of this model, ERR_INSUFFICIENT_MEMORY.
   */
  writePrefix(id: number, tokens: Int32Array, data: Uint8Array): Promise<number>;
  /** Natural-log probabilities of tokens[1..] given the tokens before them; length tokens.length - 1. */
  score(tokens: Int32Array): Promise<Float32Array>;
  stats(): NativeEngineStats;
  /** Records from now on the last `limit` steps and as many spans (1 to 1048576); a recording in progress is replaced. */
  startTrace(limit: number): void;
  /** Ends the recording; an empty one where none was started. */
  stopTrace(): Promise<NativeTrace>;
  /** Ends running requests with finish "abort" and frees everything; idempotent; resolves when memory is returned. */
  dispose(): Promise<void>;
  readonly disposed: boolean;
}

export interface NativeEngineClass {
  readonly prototype: NativeEngine;
  [Symbol.hasInstance](value: unknown): value is NativeEngine;
  /**
   * Loads a model on a new engine thread. `onProgress` reports phases "library", "weights" (done and total in bytes),
   * "cache" and "warmup". Rejects with ERR_INVALID_PACKAGE (missing or wrong files, sizes, functions),
   * ERR_INSUFFICIENT_MEMORY or ERR_IO; nothing stays behind. The process stays alive while requests or promises are open.
   */
  load(
    config: NativeEngineConfig,
    onEvents: (events: NativeEvent[]) => void,
    onProgress?: (done: number, total: number, phase: string) => void,
  ): Promise<NativeEngine>;
}

export const NativeEngine: NativeEngineClass = native.NativeEngine;
