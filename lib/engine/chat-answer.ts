/** What a parser finds in an answer, in OpenAI's shapes. */
import type { AnswerEvent, AnswerParser } from "../chat/answer-parser.js";
import type { FunctionToolCall } from "../chat/tool-call.js";
import type { ChatCompletionDelta, ChatCompletionMessage, ToolCallDelta } from "./openai-types.js";

/** The message of a whole answer; without a parser it is text and nothing else. */
export function messageOf(text: string, parser: AnswerParser | undefined): ChatCompletionMessage {
  if (parser === undefined) return { role: "assistant", content: text, refusal: null };
  let [content, thought] = ["", ""];
  const calls: FunctionToolCall[] = [];
  for (const event of [...parser.push(text), ...parser.finish()]) {
    if (event.type === "text") content += event.text;
    else if (event.type === "reasoning") thought += event.text;
    else if (event.type === "call") {
      calls.push({ id: event.id, type: "function", function: { name: event.name, arguments: "" } });
    } else {
      const call = calls[event.index];
      if (call !== undefined) call.function.arguments += event.text;
    }
  }
  return {
    role: "assistant",
    content: content === "" && calls.length > 0 ? null : content,
    refusal: null,
    ...(thought === "" ? {} : { reasoning_content: thought }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

/** The events of one piece as one delta; undefined for none. */
export function deltaOf(events: readonly AnswerEvent[]): ChatCompletionDelta | undefined {
  if (events.length === 0) return undefined;
  const delta: ChatCompletionDelta = {};
  const calls = new Map<number, ToolCallDelta>();
  for (const event of events) {
    if (event.type === "text") delta.content = (delta.content ?? "") + event.text;
    else if (event.type === "reasoning")
      delta.reasoning_content = (delta.reasoning_content ?? "") + event.text;
    else if (event.type === "call") {
      const { index, id, name } = event;
      calls.set(index, { index, id, type: "function", function: { name, arguments: "" } });
    } else {
      const call = calls.get(event.index) ?? { index: event.index, function: { arguments: "" } };
      call.function.arguments += event.text;
      calls.set(event.index, call);
    }
  }
  if (calls.size > 0) delta.tool_calls = [...calls.values()];
  return delta;
}
