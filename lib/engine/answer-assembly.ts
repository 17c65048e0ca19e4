/** The chunks of one streamed answer put together again. */
import { MlcError } from "../errors.js";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionMessage,
  ChatLogprobs,
  ToolCallDelta,
} from "./openai-types.js";

/** Collects the chunks of a chat completion with one choice and `include_usage`. */
export class AnswerAssembly {
  readonly #message: ChatCompletionMessage = { role: "assistant", content: "", refusal: null };
  #logprobs: ChatLogprobs | null = null;
  #finish: ChatCompletion["choices"][number]["finish_reason"] | undefined;
  #last: ChatCompletionChunk | undefined;

  add(chunk: ChatCompletionChunk): void {
    this.#last = chunk;
    const [choice] = chunk.choices;
    if (choice === undefined) return;
    const { delta, logprobs, finish_reason: finish } = choice;
    const message = this.#message;
    message.content = (message.content ?? "") + (delta.content ?? "");
    if (delta.reasoning_content !== undefined)
      message.reasoning_content = (message.reasoning_content ?? "") + delta.reasoning_content;
    for (const call of delta.tool_calls ?? []) this.#addCall(call);
    if (logprobs !== null)
      this.#logprobs = { content: [...(this.#logprobs?.content ?? []), ...logprobs.content], refusal: null };
    this.#finish = finish ?? this.#finish;
  }

  /** The whole answer. Errors: ERR_ABORTED where the stream ended before the answer did. */
  completion(): ChatCompletion {
    const { usage } = this.#last ?? {};
    if (this.#last === undefined || this.#finish === undefined || usage === undefined || usage === null)
      throw new MlcError("ERR_ABORTED", "The answer was broken off.");
    const message = this.#message;
    if (message.content === "" && message.tool_calls !== undefined) message.content = null;
    return {
      ...this.#last,
      object: "chat.completion",
      choices: [{ index: 0, message, logprobs: this.#logprobs, finish_reason: this.#finish }],
      usage,
    };
  }

  #addCall({ index, id = "", function: called }: ToolCallDelta): void {
    this.#message.tool_calls ??= [];
    const known = this.#message.tool_calls[index];
    if (known !== undefined) known.function.arguments += called?.arguments ?? "";
    else
      this.#message.tool_calls[index] = {
        id,
        type: "function",
        function: { name: called?.name ?? "", arguments: called?.arguments ?? "" },
      };
  }
}
