/** `engine.responses`: OpenAI's Responses API over one model; nothing is stored. */
import { randomUUID } from "node:crypto";
import { type ChatMessage, checkMessages } from "../chat/message.js";
import type { CompletionHost } from "./chat-completions.js";
import { expectBoolean, expectInteger, expectText, unexpected } from "./expectation.js";
import type { Generation, GenerationResult } from "./generation.js";
import { generateOptionsOf } from "./openai-request.js";
import type { CallOptions } from "./openai-types.js";
import type {
  ResponseCreateParams,
  ResponseObject,
  ResponseOutputMessage,
  ResponseOutputText,
  ResponseStreamEvent,
  ResponseUsage,
} from "./responses-types.js";

const OWN_FIELDS = ["input", "instructions", "max_output_tokens", "metadata", "truncation", "text"];
const TEXT_PART_TYPES: readonly unknown[] = ["input_text", "output_text"];

/** OpenAI's `responses`. */
export class Responses {
  readonly #host: CompletionHost;

  constructor(host: CompletionHost) {
    this.#host = host;
  }

  /**
   * Answers an input. With `stream: true` the promise gives an AsyncIterable of events.
   * Errors: ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED_FIELD, ERR_CHAT_TEMPLATE, ERR_CONTEXT_OVERFLOW, ERR_ABORTED, ERR_DISPOSED.
   */
  create(body: ResponseCreateParams & { stream: true }, options?: CallOptions): Promise<ResponseStream>;
  create(
    body: ResponseCreateParams & { stream?: false | null },
    options?: CallOptions,
  ): Promise<ResponseObject>;
  create(body: ResponseCreateParams, options?: CallOptions): Promise<ResponseObject | ResponseStream>;
  async create(
    body: ResponseCreateParams,
    { signal, logitProcessor }: CallOptions = {},
  ): Promise<ResponseObject | ResponseStream> {
    if (typeof body !== "object" || body === null) throw unexpected("the request", "an object", body);
    const stream = expectBoolean("stream", body.stream ?? false);
    const { max_output_tokens: most } = body;
    const options = {
      ...generateOptionsOf({ ...body }, OWN_FIELDS),
      maxTokens:
        most == null ? undefined : expectInteger("max_output_tokens", most, 1, Number.MAX_SAFE_INTEGER),
      ...(truncationOf(body) === "auto" ? { overflow: "truncate-oldest" as const } : {}),
      signal,
      logitProcessor,
    };
    const begun = this.#begun(body);
    const generation = this.#host.generate(inputMessages(body), options);
    if (stream) return new ResponseStream(generation, begun);
    return finished(begun, messageId(), await generation.result);
  }

  /** The response before its first word. */
  #begun(body: ResponseCreateParams): ResponseObject {
    checkFormat(body.text);
    return {
      id: `resp_${randomUUID().replaceAll("-", "")}`,
      object: "response",
      created_at: Math.floor(Date.now() / 1000),
      status: "in_progress",
      error: null,
      incomplete_details: null,
      instructions: body.instructions ?? null,
      max_output_tokens: body.max_output_tokens ?? null,
      metadata: body.metadata ?? {},
      model: this.#host.modelName,
      output: [],
      output_text: "",
      parallel_tool_calls: true,
      previous_response_id: null,
      store: false,
      temperature: body.temperature ?? null,
      text: { format: { type: "text" } },
      tool_choice: "auto",
      tools: [],
      top_p: body.top_p ?? null,
      truncation: truncationOf(body),
      usage: null,
    };
  }
}

/** Events of one response; iterate once. Leaving the loop, `abort` or the call's signal end the answer. */
export class ResponseStream implements AsyncIterable<ResponseStreamEvent>, AsyncDisposable {
  readonly #generation: Generation;
  readonly #begun: ResponseObject;

  constructor(generation: Generation, begun: ResponseObject) {
    this.#generation = generation;
    this.#begun = begun;
  }

  abort(): void {
    this.#generation.abort();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ResponseStreamEvent, void, undefined> {
    let number = 0;
    const numbered = <Event>(event: Event) => ({ ...event, sequence_number: number++ });
    const id = messageId();
    const place = { item_id: id, output_index: 0, content_index: 0 };
    const item = (status: ResponseOutputMessage["status"], content: ResponseOutputText[]) => ({
      output_index: 0,
      item: outputMessage(id, status, content),
    });
    try {
      yield numbered({ type: "response.created" as const, response: this.#begun });
      yield numbered({ type: "response.in_progress" as const, response: this.#begun });
      yield numbered({ type: "response.output_item.added" as const, ...item("in_progress", []) });
      yield numbered({ type: "response.content_part.added" as const, part: outputText(""), ...place });
      for await (const { text } of this.#generation) {
        if (text !== "")
          yield numbered({
            type: "response.output_text.delta" as const,
            delta: text,
            logprobs: [] as [],
            ...place,
          });
      }
      const result = await this.#generation.result;
      if (result.finishReason === "abort") return;
      const response = finished(this.#begun, id, result);
      const [message] = response.output;
      const part = outputText(result.text);
      yield numbered({
        type: "response.output_text.done" as const,
        text: result.text,
        logprobs: [] as [],
        ...place,
      });
      yield numbered({ type: "response.content_part.done" as const, part, ...place });
      yield numbered({
        type: "response.output_item.done" as const,
        ...item(message?.status ?? "completed", [part]),
      });
      const type = response.status === "incomplete" ? "response.incomplete" : "response.completed";
      yield numbered({ type, response });
    } finally {
      // Also where the loop ends before it reached the generation.
      this.#generation.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
  }
}

function messageId(): string {
  return `msg_${randomUUID().replaceAll("-", "")}`;
}

function finished(begun: ResponseObject, id: string, result: GenerationResult): ResponseObject {
  const incomplete = result.finishReason === "length";
  const status = incomplete ? "incomplete" : "completed";
  return {
    ...begun,
    status,
    incomplete_details: incomplete ? { reason: "max_output_tokens" } : null,
    output: [outputMessage(id, status, [outputText(result.text)])],
    output_text: result.text,
    usage: responseUsage(result),
  };
}

function outputMessage(
  id: string,
  status: ResponseOutputMessage["status"],
  content: ResponseOutputText[],
): ResponseOutputMessage {
  return { id, type: "message", role: "assistant", status, content };
}

function outputText(text: string): ResponseOutputText {
  return { type: "output_text", text, annotations: [] };
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

/** The chat that instructions and input are. */
function inputMessages({ instructions, input }: ResponseCreateParams): ChatMessage[] {
  const first =
    instructions == null ? [] : [{ role: "system", content: expectText("instructions", instructions) }];
  if (typeof input === "string") return checkMessages([...first, { role: "user", content: input }]);
  if (!Array.isArray(input)) throw unexpected("input", "a text or a list of messages", input);
  return checkMessages([...first, ...input.map(inputMessage)]);
}

function inputMessage(given: unknown, index: number): { role: unknown; content: unknown } {
  const name = `input[${index}]`;
  if (typeof given !== "object" || given === null) throw unexpected(name, "a message", given);
  const { type = "message", role, content } = given as Record<string, unknown>;
  if (type !== "message") throw unexpected(`${name}.type`, '"message"', type);
  if (!Array.isArray(content)) return { role, content };
  const parts = content.map((part: unknown, place) => {
    const { type: kind, text } = (part ?? {}) as Record<string, unknown>;
    if (!TEXT_PART_TYPES.includes(kind))
      throw unexpected(`${name}.content[${place}].type`, '"input_text"', kind);
    return { type: "text", text };
  });
  return { role, content: parts };
}

function truncationOf({ truncation }: ResponseCreateParams): "auto" | "disabled" {
  const value = truncation ?? "disabled";
  if (value !== "auto" && value !== "disabled") throw unexpected("truncation", '"auto" or "disabled"', value);
  return value;
}

function checkFormat(text: unknown): void {
  if (text === undefined || text === null) return;
  const { format = { type: "text" }, ...rest } = text as { format?: { type?: unknown } };
  if (format.type !== "text") throw unexpected("text.format.type", '"text"', format.type);
  const [other] = Object.keys(rest);
  if (other !== undefined)
    throw unexpected(`text.${other}`, "no value", (rest as Record<string, unknown>)[other]);
}
