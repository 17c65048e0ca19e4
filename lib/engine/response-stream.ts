/** A streamed response: an AsyncIterable of OpenAI's events. */
import type { AnswerEvent, AnswerParser } from "../chat/answer-parser.js";
import type { Generation, GenerationResult } from "./generation.js";
import { ResponseOutput } from "./response-output.js";
import type { ResponseEvent, ResponseObject, ResponseStreamEvent, ResponseUsage } from "./responses-types.js";

/** Events of one response; iterate once. Leaving the loop, `abort` or the call's signal end the answer. */
export class ResponseStream implements AsyncIterable<ResponseStreamEvent>, AsyncDisposable {
  readonly #generation: Generation;
  readonly #begun: ResponseObject;
  readonly #parser: AnswerParser | undefined;

  constructor(generation: Generation, begun: ResponseObject, parser: AnswerParser | undefined) {
    this.#generation = generation;
    this.#begun = begun;
    this.#parser = parser;
  }

  /** Ends the answer; the loop ends without a last event. */
  abort(): void {
    this.#generation.abort();
  }

  /** The events as they come; once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ResponseStreamEvent, void, undefined> {
    let number = 0;
    for await (const event of this.#events()) yield { ...event, sequence_number: number++ };
  }

  async *#events(): AsyncGenerator<ResponseEvent, void, undefined> {
    const output = new ResponseOutput();
    try {
      yield { type: "response.created", response: this.#begun };
      yield { type: "response.in_progress", response: this.#begun };
      for await (const { text } of this.#generation) {
        for (const event of answerEvents(text, this.#parser)) yield* output.write(event);
      }
      const result = await this.#generation.result;
      if (result.finishReason === "abort") return;
      for (const event of this.#parser?.finish() ?? []) yield* output.write(event);
      yield* output.end(statusOf(result));
      const response = finishedResponse(this.#begun, output, result);
      const type = response.status === "incomplete" ? "response.incomplete" : "response.completed";
      yield { type, response };
    } finally {
      // Also where the loop ends before it reached the generation.
      this.#generation.abort();
    }
  }

  /** `abort`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
  }
}

/** The response of an answer that is whole. */
export function wholeResponse(
  begun: ResponseObject,
  result: GenerationResult,
  parser: AnswerParser | undefined,
): ResponseObject {
  const output = new ResponseOutput();
  for (const event of answerEvents(result.text, parser)) output.write(event);
  for (const event of parser?.finish() ?? []) output.write(event);
  output.end(statusOf(result));
  return finishedResponse(begun, output, result);
}

/** What a further piece of text says; without a parser it is text and nothing else. */
function answerEvents(text: string, parser: AnswerParser | undefined): AnswerEvent[] {
  if (parser !== undefined) return parser.push(text);
  return text === "" ? [] : [{ type: "text", text }];
}

function statusOf({ finishReason }: GenerationResult): "incomplete" | "completed" {
  return finishReason === "length" ? "incomplete" : "completed";
}

function finishedResponse(
  begun: ResponseObject,
  output: ResponseOutput,
  result: GenerationResult,
): ResponseObject {
  const status = statusOf(result);
  return {
    ...begun,
    status,
    incomplete_details: status === "incomplete" ? { reason: "max_output_tokens" } : null,
    output: output.items,
    output_text: output.text,
    usage: responseUsage(result),
  };
}

function responseUsage({ usage }: GenerationResult): ResponseUsage {
  return {
    input_tokens: usage.promptTokens,
    input_tokens_details: { cached_tokens: usage.cachedTokens, cache_write_tokens: 0 },
    output_tokens: usage.completionTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.totalTokens,
  };
}
