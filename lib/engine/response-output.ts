/** What a parser finds in an answer, as the items of a response and the events that tell of them. */
import { randomUUID } from "node:crypto";
import type { AnswerEvent } from "../chat/answer-parser.js";
import type {
  ResponseFunctionCall,
  ResponseItemEvent,
  ResponseOutputItem,
  ResponseOutputMessage,
  ResponseReasoning,
  ResponseStatus,
} from "./responses-types.js";

type TextItem = ResponseOutputMessage | ResponseReasoning;

/** A new id as OpenAI's: a prefix that tells the kind, and 32 hexadecimal digits. */
export function responseId(prefix: "resp" | "msg" | "rs" | "fc"): string {
  return `${prefix}_${randomUUID().replaceAll("-", "")}`;
}

/** The items of one answer; they follow each other, and the last one is open until another begins or the answer ends. */
export class ResponseOutput {
  readonly #items: ResponseOutputItem[] = [];
  /** What the open item says so far: its text, or its arguments. */
  #said = "";

  /** The items, as far as they are. */
  get items(): ResponseOutputItem[] {
    return this.#items.map((item) => structuredClone(item));
  }

  /** All text of the messages. */
  get text(): string {
    return this.#items
      .map((item) => (item.type === "message" ? item.content.map(({ text }) => text).join("") : ""))
      .join("");
  }

  /** A piece of the answer. */
  write(event: AnswerEvent): ResponseItemEvent[] {
    switch (event.type) {
      case "text":
        return this.#writeText("message", event.text);
      case "reasoning":
        return this.#writeText("reasoning", event.text);
      case "call":
        return this.#begin({
          id: responseId("fc"),
          type: "function_call",
          call_id: event.id,
          name: event.name,
          arguments: "",
          status: "in_progress",
        });
      case "arguments": {
        this.#said += event.text;
        const { item_id, output_index } = this.#place();
        return [{ type: "response.function_call_arguments.delta", delta: event.text, item_id, output_index }];
      }
    }
  }

  /** The end of the answer: of its last item, which is an empty message where nothing was said. */
  end(status: ResponseStatus): ResponseItemEvent[] {
    const empty = this.#items.length === 0 ? this.#begin(textItem("message")) : [];
    return [...empty, ...this.#close(status)];
  }

  #writeText(type: TextItem["type"], text: string): ResponseItemEvent[] {
    const begun = this.#items.at(-1)?.type === type ? [] : this.#begin(textItem(type));
    this.#said += text;
    return [
      ...begun,
      type === "message"
        ? { type: "response.output_text.delta", delta: text, logprobs: [], ...this.#place() }
        : { type: "response.reasoning_text.delta", delta: text, ...this.#place() },
    ];
  }

  #begin(item: ResponseOutputItem): ResponseItemEvent[] {
    const closed = this.#close("completed");
    this.#items.push(item);
    this.#said = "";
    const place = this.#place();
    const added: ResponseItemEvent = {
      type: "response.output_item.added",
      output_index: place.output_index,
      item: structuredClone(item),
    };
    if (item.type === "function_call") return [...closed, added];
    return [...closed, added, { type: "response.content_part.added", part: partOf(item, ""), ...place }];
  }

  #close(status: ResponseStatus): ResponseItemEvent[] {
    const item = this.#items.at(-1);
    if (item === undefined) return [];
    item.status = status;
    const place = this.#place();
    const done = item.type === "function_call" ? this.#closeCall(item) : this.#closeText(item);
    return [
      ...done,
      {
        type: "response.output_item.done",
        output_index: place.output_index,
        item: structuredClone(item),
      },
    ];
  }

  #closeCall(call: ResponseFunctionCall): ResponseItemEvent[] {
    call.arguments = this.#said;
    const { item_id, output_index } = this.#place();
    const type = "response.function_call_arguments.done";
    return [{ type, name: call.name, arguments: this.#said, item_id, output_index }];
  }

  #closeText(item: TextItem): ResponseItemEvent[] {
    const [text, place] = [this.#said, this.#place()];
    const said: ResponseItemEvent =
      item.type === "message"
        ? { type: "response.output_text.done", text, logprobs: [], ...place }
        : { type: "response.reasoning_text.done", text, ...place };
    if (item.type === "message") item.content = [{ type: "output_text", text, annotations: [] }];
    else item.content = [{ type: "reasoning_text", text }];
    return [said, { type: "response.content_part.done", part: partOf(item, text), ...place }];
  }

  #place() {
    return { item_id: this.#items.at(-1)?.id ?? "", output_index: this.#items.length - 1, content_index: 0 };
  }
}

function textItem(type: TextItem["type"]): TextItem {
  return type === "message"
    ? { id: responseId("msg"), type, role: "assistant", status: "in_progress", content: [] }
    : { id: responseId("rs"), type, summary: [], content: [], status: "in_progress" };
}

function partOf({ type }: TextItem, text: string) {
  return type === "message"
    ? { type: "output_text" as const, text, annotations: [] as [] }
    : { type: "reasoning_text" as const, text };
}
