/** A streamed completion: an AsyncIterable of OpenAI chunks over one generation. */
import type { Generation, GenerationChunk, GenerationResult } from "./generation.js";
import type { CompletionFinishReason, CompletionUsage } from "./openai-types.js";

/** How one kind of completion writes its chunks. */
export interface ChunkWriter<Chunk> {
  /** Sent before the first text; undefined for none. */
  first(): Chunk | undefined;
  /** A piece of the answer; undefined where there is nothing to send yet. */
  piece(chunk: GenerationChunk): Chunk | undefined;
  last(finishReason: CompletionFinishReason): Chunk;
  /** Sent at the very end where the request asked for it. */
  usage?(usage: CompletionUsage): Chunk;
}

/** Chunks of one completion; iterate once. Leaving the loop, `abort` or the call's signal end the request. */
export class CompletionStream<Chunk> implements AsyncIterable<Chunk>, AsyncDisposable {
  readonly #generation: Generation;
  readonly #writer: ChunkWriter<Chunk>;

  constructor(generation: Generation, writer: ChunkWriter<Chunk>) {
    this.#generation = generation;
    this.#writer = writer;
  }

  /** Ends the request; the loop ends without a last chunk. */
  abort(): void {
    this.#generation.abort();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Chunk, void, undefined> {
    const writer = this.#writer;
    try {
      const first = writer.first();
      if (first !== undefined) yield first;
      for await (const chunk of this.#generation) {
        const written = writer.piece(chunk);
        if (written !== undefined) yield written;
      }
      const { finishReason, usage } = await this.#generation.result;
      if (finishReason === "abort") return;
      yield writer.last(finishReason);
      if (writer.usage !== undefined) yield writer.usage(openAiUsage(usage));
    } finally {
      // Also where the loop ends before it reached the generation.
      this.#generation.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
  }
}

/** Usage under OpenAI's names. */
export function openAiUsage(usage: GenerationResult["usage"]): CompletionUsage {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.totalTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
  };
}

/** The reason under OpenAI's names; a generation without a stream cannot be broken off but by its signal. */
export function openAiFinishReason(result: GenerationResult): CompletionFinishReason {
  return result.finishReason === "length" ? "length" : "stop";
}
