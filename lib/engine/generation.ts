/**
 * One running request: its tokens become text here, and the caller iterates, awaits the result or aborts.
 *
 * Memory is bounded: text that arrives while nobody reads is joined into one pending chunk, and a request has at most
 * `maxTokens` tokens. Ways to end: the model stops, a stop text, `maxTokens` or the context is reached (a result), the
 * caller breaks off its loop or calls `abort` (a result with finish reason "abort"), its AbortSignal fires, the engine is disposed or
 * fails (an error).
 */
import { isErrorCode, MlcError } from "../errors.js";
import type { NativeEvent, NativeLogprobs, NativeTiming } from "../ffi/native-engine.js";
import type { StreamingDecoder } from "../tokenizer/streaming-decoder.js";
import { callProcessor, type LogitProcessor, processLogits } from "./logit-processor.js";
import { type Truncation, withDropped } from "./overflow.js";
import { StopSequence } from "./stop-sequence.js";

/** Why a generation ended: a stop token or text, the token limit or the context's end, or the caller. */
export type FinishReason = "stop" | "length" | "abort";

/** A piece of the answer. `text` may be empty while a character or a possible stop text is unfinished. */
export interface GenerationChunk {
  readonly text: string;
  readonly tokens: readonly number[];
  /** One entry a token, where they were asked for. */
  readonly logprobs: readonly TokenLogprobs[];
}

/** Natural-log probabilities of one generated token and of the likeliest tokens at its place. */
export type TokenLogprobs = NativeLogprobs;

/** Tokens in and out. */
export interface Usage {
  readonly promptTokens: number;
  /** Of the prompt's tokens, those whose keys and values another request had left. */
  readonly cachedTokens: number;
  readonly completionTokens: number;
  /** Of the answer's tokens, those of its thoughts. */
  readonly reasoningTokens: number;
  readonly totalTokens: number;
}

/** Milliseconds; those of the first token are undefined where there was none. */
export interface GenerationTimings {
  /** From the request to the first step that computed a part of it. */
  readonly queueMs: number | undefined;
  /** From there to the first token. */
  readonly prefillMs: number | undefined;
  /** From the request to the first token, as it arrived here. */
  readonly firstTokenMs: number | undefined;
  /** From the request to its end. */
  readonly totalMs: number;
}

/** A finished generation. */
export interface GenerationResult {
  readonly text: string;
  /** Generated ids, the stop token included where one ended it. */
  readonly tokens: readonly number[];
  /** One entry a token, where they were asked for. */
  readonly logprobs: readonly TokenLogprobs[];
  readonly usage: Usage;
  readonly finishReason: FinishReason;
  readonly timings: GenerationTimings;
  /** What was left out of prompt and answer, where `overflow` had to. */
  readonly truncation: Truncation | undefined;
}

/** How a generation ended: with a result, or by an error. */
export type GenerationEnd =
  | { readonly result: GenerationResult; readonly error?: undefined }
  | { readonly result?: undefined; readonly error: unknown };

/** What a generation needs from its engine. */
export interface GenerationContext {
  readonly id: number;
  readonly promptTokens: number;
  readonly truncation?: Truncation | undefined;
  /** Undefined for a model without a tokenizer: tokens only, no text. */
  readonly decoder: StreamingDecoder | undefined;
  readonly stop: readonly string[];
  readonly stopTokens: ReadonlySet<number>;
  /** Stop texts are looked for in what follows this many tokens. */
  readonly minTokens?: number;
  /** Changes the logits that the engine sends before each token. */
  readonly processor?: LogitProcessor | undefined;
  /** Gives the changed logits back. */
  readonly reply?: (logits: Float32Array) => void;
  readonly signal?: AbortSignal | undefined;
  /** Tells the native engine to drop the request. */
  readonly cancel: () => void;
  /** Called once, when nothing more will come. */
  readonly onEnd: (end: GenerationEnd) => void;
}

/** A request that runs. Iterate it for chunks (once), or await `result`. */
export class Generation implements AsyncIterable<GenerationChunk>, AsyncDisposable {
  readonly #context: GenerationContext;
  readonly #stop: StopSequence;
  readonly #tokens: number[] = [];
  readonly #startedAt = performance.now();
  #text = "";
  readonly #logprobs: TokenLogprobs[] = [];
  #pending = emptyChunk();
  #firstTokenMs: number | undefined;
  #cachedTokens = 0;
  #droppedTokens = 0;
  #reasoningTokens = 0;
  #timing: NativeTiming | undefined;
  #end: GenerationEnd | undefined;
  #wake: (() => void)[] = [];
  #abortedBy: (() => unknown) | undefined;
  #iterated = false;

  constructor(context: GenerationContext) {
    this.#context = context;
    this.#stop = new StopSequence(context.stop);
    context.signal?.addEventListener("abort", this.#onSignal, { once: true });
  }

  /** The result, once the generation has ended; rejects with what ended it by error. */
  get result(): Promise<GenerationResult> {
    return this.#ended().then(() => {
      if (this.#end?.result !== undefined) return this.#end.result;
      throw this.#end?.error;
    });
  }

  /** Ends the generation here: the result has finish reason "abort". Nothing happens if it has ended. */
  abort(): void {
    if (this.#end !== undefined) return;
    this.#context.cancel();
    this.#finish("abort");
  }

  /** Ends the generation with an error, as when the engine is disposed. @internal */
  fail(error: unknown): void {
    this.#settle({ error });
  }

  /** From now on an end that the native engine reports as an abort is this error. @internal */
  failOnAbort(error: () => unknown): void {
    this.#abortedBy = error;
  }

  /** Takes in what the native engine reports of this request. @internal */
  accept(event: NativeEvent): void {
    this.#cachedTokens = event.cachedTokens ?? this.#cachedTokens;
    this.#droppedTokens = event.droppedTokens ?? this.#droppedTokens;
    this.#reasoningTokens = event.thoughtTokens ?? this.#reasoningTokens;
    this.#timing = event.timing ?? this.#timing;
    for (const [index, token] of event.tokens.entries()) {
      if (this.#end !== undefined) return;
      const last = index === event.tokens.length - 1;
      this.#acceptLogprobs(event.logprobs?.[index]);
      this.#acceptToken(token, last && event.finish === "stop" && this.#context.stopTokens.has(token));
    }
    if (this.#end !== undefined) return;
    if (event.finish === undefined) {
      this.#notify();
      if (event.logits !== undefined) this.#reply(event.logits);
      return;
    }
    if (event.finish === "error") this.#settle({ error: errorOf(event) });
    else if (event.finish === "abort" && this.#abortedBy !== undefined)
      this.#settle({ error: this.#abortedBy() });
    else this.#finish(event.finish);
  }

  /** The pieces as they come; once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<GenerationChunk, void, undefined> {
    if (this.#iterated) {
      throw new MlcError(
        "ERR_INVALID_ARGUMENT",
        "Expected one loop over a generation but received a second: keep the chunks, or use its result.",
      );
    }
    this.#iterated = true;
    try {
      for (;;) {
        const chunk = this.#take();
        if (chunk !== undefined) yield chunk;
        else if (this.#end === undefined) await new Promise<void>((resolve) => this.#wake.push(resolve));
        else if ("error" in this.#end) throw this.#end.error;
        else return;
      }
    } finally {
      this.abort();
    }
  }

  /** `abort`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
  }

  #acceptToken(token: number, isStopToken: boolean): void {
    this.#firstTokenMs ??= performance.now() - this.#startedAt;
    this.#tokens.push(token);
    this.#pending.tokens.push(token);
    const { processor, minTokens = 0, decoder } = this.#context;
    if (processor !== undefined) {
      this.#guard(() => callProcessor("processSampledToken", () => processor.processSampledToken(token)));
    }
    if (isStopToken || this.#end !== undefined) return;
    const piece = decoder?.push(token) ?? "";
    if (this.#tokens.length <= minTokens) {
      this.#emit(piece);
      return;
    }
    const { text, stopped } = this.#stop.push(piece);
    this.#emit(text);
    if (!stopped) return;
    this.#context.cancel();
    this.#finish("stop");
  }

  #acceptLogprobs(logprobs: TokenLogprobs | undefined): void {
    if (logprobs === undefined) return;
    this.#logprobs.push(logprobs);
    this.#pending.logprobs.push(logprobs);
  }

  /** The caller's changes to the logits of the next token. */
  #reply(logits: Float32Array): void {
    const { processor, reply } = this.#context;
    this.#guard(() => {
      const changed = processor === undefined ? logits : processLogits(processor, logits);
      // The processor may have ended the generation.
      if (this.#end === undefined) reply?.(changed);
    });
  }

  /** Runs the caller's code: what it throws ends this generation alone. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (this.#end !== undefined) return;
      this.#context.cancel();
      this.#settle({ error });
    }
  }

  #emit(text: string): void {
    this.#text += text;
    this.#pending.text += text;
  }

  #finish(finishReason: FinishReason): void {
    const { text } = this.#stop.push(this.#context.decoder?.finish() ?? "");
    this.#emit(text + this.#stop.finish());
    const { promptTokens } = this.#context;
    const completionTokens = this.#tokens.length;
    this.#settle({
      result: {
        text: this.#text,
        tokens: this.#tokens,
        logprobs: this.#logprobs,
        usage: {
          promptTokens,
          cachedTokens: this.#cachedTokens,
          completionTokens,
          reasoningTokens: this.#reasoningTokens,
          totalTokens: promptTokens + completionTokens,
        },
        finishReason,
        timings: {
          queueMs: this.#timing?.queueMs,
          prefillMs: this.#firstTokenMs === undefined ? undefined : this.#timing?.prefillMs,
          firstTokenMs: this.#firstTokenMs,
          totalMs: performance.now() - this.#startedAt,
        },
        truncation: withDropped(this.#context.truncation, this.#droppedTokens, promptTokens),
      },
    });
  }

  #settle(end: GenerationEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#context.signal?.removeEventListener("abort", this.#onSignal);
    this.#context.onEnd(end);
    this.#notify();
  }

  readonly #onSignal = (): void => {
    if (this.#end !== undefined) return;
    this.#context.cancel();
    this.#settle({ error: abortError("The generation was aborted.", this.#context.signal) });
  };

  #take(): GenerationChunk | undefined {
    if (this.#pending.text === "" && this.#pending.tokens.length === 0) return undefined;
    const chunk = this.#pending;
    this.#pending = emptyChunk();
    return chunk;
  }

  #ended(): Promise<void> {
    if (this.#end !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.#end !== undefined) resolve();
        else this.#wake.push(check);
      };
      check();
    });
  }

  #notify(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}

function emptyChunk(): { text: string; tokens: number[]; logprobs: TokenLogprobs[] } {
  return { text: "", tokens: [], logprobs: [] };
}

/** ERR_ABORTED with the signal's own reason as cause. */
export function abortError(message: string, signal: AbortSignal | undefined): MlcError {
  return new MlcError("ERR_ABORTED", message, { cause: signal?.reason });
}

function errorOf(event: NativeEvent): MlcError {
  const code = event.error?.code;
  return new MlcError(
    isErrorCode(code) ? code : "ERR_NATIVE",
    event.error?.message ?? "The native engine failed without a message.",
  );
}
