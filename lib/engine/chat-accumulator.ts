/** The chunks of a streamed chat completion put together to the completion that they are. */
import type { FunctionToolCall } from "../chat/tool-call.js";
import { MlcError } from "../errors.js";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionMessage,
  ChatFinishReason,
  ChatLogprobs,
  CompletionUsage,
  ToolCallDelta,
} from "./openai-types.js";

/** Takes the chunks of a stream of one choice, with `include_usage`, in their order. */
export class ChatAccumulator {
  #content = "";
  #reasoning = "";
  readonly #calls: FunctionToolCall[] = [];
  #logprobs: ChatLogprobs["content"] | undefined;
  #finish: ChatFinishReason | null = null;
  #usage: CompletionUsage | undefined;
  #head: Pick<ChatCompletion, "id" | "created" | "model" | "system_fingerprint"> | undefined;

  /** The text so far. */
  get content(): string {
    return this.#content;
  }

  /** Takes the next chunk. */
  add({ id, created, model, system_fingerprint, choices, usage }: ChatCompletionChunk): void {
    this.#head ??= { id, created, model, system_fingerprint };
    this.#usage = usage ?? this.#usage;
    const choice = choices[0];
    if (choice === undefined) return;
    const { delta, logprobs, finish_reason: finish } = choice;
    this.#content += delta.content ?? "";
    this.#reasoning += delta.reasoning_content ?? "";
    for (const call of delta.tool_calls ?? []) this.#addCall(call);
    if (logprobs !== null) this.#logprobs = [...(this.#logprobs ?? []), ...logprobs.content];
    this.#finish = finish ?? this.#finish;
  }

  /** The whole completion, as `create` gives it without a stream. Errors: ERR_ABORTED where the stream did not come to its end. */
  completion(): ChatCompletion {
    if (this.#head === undefined || this.#finish === null || this.#usage === undefined)
      throw new MlcError("ERR_ABORTED", "Expected a whole answer but its stream was broken off.");
    const content = this.#logprobs;
    return {
      ...this.#head,
      object: "chat.completion",
      choices: [
        {
          index: 0,
          message: this.#message(),
          logprobs: content === undefined ? null : { content, refusal: null },
          finish_reason: this.#finish,
        },
      ],
      usage: this.#usage,
    };
  }

  #message(): ChatCompletionMessage {
    const calls = this.#calls;
    return {
      role: "assistant",
      content: this.#content === "" && calls.length > 0 ? null : this.#content,
      refusal: null,
      ...(this.#reasoning === "" ? {} : { reasoning_content: this.#reasoning }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    };
  }

  #addCall({ index, id = "", function: { name = "", arguments: text } }: ToolCallDelta): void {
    const known = this.#calls[index];
    if (known === undefined)
      this.#calls[index] = { id, type: "function", function: { name, arguments: text } };
    else known.function.arguments += text;
  }
}
