/** A streamed run of tools: an AsyncIterable of what happens, and the run at its end. */
import { MlcError } from "../errors.js";
import { AnswerAssembly } from "./answer-assembly.js";
import type { CompletionStream } from "./completion-stream.js";
import type { CallOptions, ChatCompletionChunk, ChatCompletionCreateParams } from "./openai-types.js";
import {
  type AskChat,
  runTools,
  type ToolRun,
  type ToolRunEvent,
  type ToolRunOptions,
  type ToolRunParams,
} from "./tool-runner.js";

type StreamChat = (
  body: ChatCompletionCreateParams & { stream: true },
  options: CallOptions,
) => Promise<CompletionStream<ChatCompletionChunk>>;

/** Events of one run; iterate once. Leaving the loop, `abort` or the call's signal end the run, its handlers too. */
export class ToolRunStream implements AsyncIterable<ToolRunEvent>, AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #events: AsyncGenerator<ToolRunEvent, ToolRun, undefined>;
  #run: ToolRun | undefined;

  /** @internal */
  constructor(stream: StreamChat, params: ToolRunParams, options: ToolRunOptions) {
    const { signal = this.#stop.signal } = options;
    const either = AbortSignal.any([signal, this.#stop.signal]);
    const { maxRounds: _, onError: __, ...call } = options;
    this.#events = runTools(streamed(stream, { ...call, signal: either }), params, {
      ...options,
      signal: either,
    });
  }

  /** Ends the run: the loop ends with ERR_ABORTED. */
  abort(): void {
    this.#stop.abort(new MlcError("ERR_ABORTED", "The run of tools was aborted."));
  }

  /** The events as they come; once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ToolRunEvent, void, undefined> {
    try {
      for (;;) {
        const { done, value } = await this.#events.next();
        if (done === true) {
          // A generator that has ended before gives nothing.
          this.#run ??= value;
          return;
        }
        yield value;
      }
    } finally {
      await this.#events.return(undefined as never);
      this.abort();
    }
  }

  /**
   * The run, once it has ended; reads the events that nobody has read.
   * Errors: those of the run; ERR_ABORTED where its loop was left.
   */
  async result(): Promise<ToolRun> {
    for await (const _ of this);
    if (this.#run === undefined)
      throw new MlcError("ERR_ABORTED", "The run of tools ended before the model did.");
    return this.#run;
  }

  /** `abort`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
  }
}

/** Asks by a stream, whose chunks are events. */
function streamed(stream: StreamChat, options: CallOptions): AskChat {
  return async function* (body, round) {
    const answer = new AnswerAssembly();
    const chunks = await stream({ ...body, stream: true, stream_options: { include_usage: true } }, options);
    for await (const chunk of chunks) {
      answer.add(chunk);
      yield { type: "chunk", round, chunk };
    }
    return answer.completion();
  };
}
