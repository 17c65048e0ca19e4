/** `engine.responses`: OpenAI's Responses API over one model; nothing is stored. */
import type { CompletionHost } from "./chat-completions.js";
import { chatRequestOf } from "./chat-request.js";
import type { CallOptions } from "./openai-types.js";
import { responseId } from "./response-output.js";
import { responseRequestOf } from "./response-request.js";
import { ResponseStream, wholeResponse } from "./response-stream.js";
import type { ResponseCreateParams, ResponseEcho, ResponseObject } from "./responses-types.js";

/** OpenAI's `responses`. */
export class Responses {
  readonly #host: CompletionHost;

  constructor(host: CompletionHost) {
    this.#host = host;
  }

  /**
   * Answers an input: thoughts, messages and calls of functions are items of the output, which goes back as input of the next turn.
   * With `stream: true` the promise gives an AsyncIterable of events.
   * Errors: ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED_FIELD, ERR_INVALID_GRAMMAR, ERR_CHAT_TEMPLATE, ERR_CONTEXT_OVERFLOW, ERR_ABORTED,
   * ERR_DISPOSED.
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
    const { chat, options: sampling, echo, stream } = responseRequestOf(body);
    const { messages, options, parser } = chatRequestOf(this.#host, chat);
    const generation = this.#host.generate(messages, { ...sampling, ...options, signal, logitProcessor });
    const begun = this.#begun(echo);
    if (stream) return new ResponseStream(generation, begun, parser?.());
    return wholeResponse(begun, await generation.result, parser?.());
  }

  /** The response before its first word. */
  #begun(echo: ResponseEcho): ResponseObject {
    return {
      id: responseId("resp"),
      object: "response",
      created_at: Math.floor(Date.now() / 1000),
      status: "in_progress",
      background: false,
      error: null,
      incomplete_details: null,
      model: this.#host.modelName,
      output: [],
      output_text: "",
      previous_response_id: null,
      store: false,
      usage: null,
      ...echo,
    };
  }
}
