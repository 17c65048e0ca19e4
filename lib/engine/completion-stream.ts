/** A streamed completion: an AsyncIterable of OpenAI chunks over the choices of one request. */
import { abortAll, choiceSteps, choiceUsage } from "./choices.js";
import type { Generation, GenerationChunk, GenerationResult } from "./generation.js";
import type { CompletionFinishReason, CompletionUsage } from "./openai-types.js";
import { usageExtra } from "./usage-extra.js";

/** How one kind of completion writes the chunks of choice `index`. */
export interface ChunkWriter<Chunk> {
  /** Sent before the first text; undefined for none. */
  first(index: number): Chunk | undefined;
  /** A piece of the answer; undefined where there is nothing to send yet. */
  piece(chunk: GenerationChunk, index: number): Chunk | undefined;
  /** The end of a choice: what was held back, and why it ended. */
  last(result: GenerationResult, index: number): readonly Chunk[];
  /** Sent at the very end where the request asked for it. */
  usage?(usage: CompletionUsage): Chunk;
}

/** Chunks of one completion; iterate once. Leaving the loop, `abort` or the call's signal end all its choices. */
export class CompletionStream<Chunk> implements AsyncIterable<Chunk>, AsyncDisposable {
  readonly #generations: readonly Generation[];
  readonly #writer: ChunkWriter<Chunk>;

  constructor(generations: readonly Generation[], writer: ChunkWriter<Chunk>) {
    this.#generations = generations;
    this.#writer = writer;
  }

  /** Ends every choice; the loop ends without a last chunk. */
  abort(): void {
    abortAll(this.#generations);
  }

  /** The chunks as they come; once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Chunk, void, undefined> {
    const writer = this.#writer;
    try {
      for (const index of this.#generations.keys()) {
        const first = writer.first(index);
        if (first !== undefined) yield first;
      }
      const results: GenerationResult[] = [];
      for await (const { index, chunk, result } of choiceSteps(this.#generations)) {
        if (result === undefined) {
          const written = writer.piece(chunk, index);
          if (written !== undefined) yield written;
        } else {
          if (result.finishReason === "abort") return;
          results[index] = result;
          yield* writer.last(result, index);
        }
      }
      if (writer.usage !== undefined) yield writer.usage(openAiUsage(results));
    } finally {
      // Also where the loop ends before it reached the generations.
      abortAll(this.#generations);
    }
  }

  /** `abort`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
  }
}

/** Usage of all choices under OpenAI's names. */
export function openAiUsage(results: readonly GenerationResult[]): CompletionUsage {
  const usage = choiceUsage(results);
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.totalTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    extra: usageExtra(results[0]),
  };
}

/** The reason under OpenAI's names; a generation without a stream cannot be broken off but by its signal. */
export function openAiFinishReason(result: GenerationResult): CompletionFinishReason {
  return result.finishReason === "length" ? "length" : "stop";
}
