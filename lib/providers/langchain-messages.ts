/** LangChain's messages as the chat API's. */
import type { AIMessage, BaseMessage, ToolMessage } from "@langchain/core/messages";
import type { ChatMessage } from "../chat/message.js";
import { MlcError } from "../errors.js";

/** Translates a conversation. Errors: ERR_UNSUPPORTED_FIELD for roles and parts that the engine cannot read. */
export function chatMessagesOf(messages: readonly BaseMessage[]): ChatMessage[] {
  return messages.map((message): ChatMessage => {
    const content = textOf(message);
    switch (message.type) {
      case "system":
      case "developer":
        return { role: "system", content };
      case "human":
        return { role: "user", content };
      case "ai":
        return assistantMessage(message as AIMessage, content);
      case "tool":
        return { role: "tool", content, tool_call_id: (message as ToolMessage).tool_call_id };
      default:
        throw unsupported(`a message of type ${message.type}`);
    }
  });
}

function assistantMessage(
  { tool_calls: calls = [], additional_kwargs: more }: AIMessage,
  content: string,
): ChatMessage {
  const { reasoning_content: thoughts } = more;
  return {
    role: "assistant",
    content,
    ...(typeof thoughts === "string" && thoughts !== "" ? { reasoning_content: thoughts } : {}),
    ...(calls.length === 0
      ? {}
      : {
          tool_calls: calls.map(({ id, name, args }, index) => ({
            id: id ?? `call_${index}`,
            type: "function" as const,
            function: { name, arguments: JSON.stringify(args) },
          })),
        }),
  };
}

/** The text of a message; calls of tools among its parts are read elsewhere. */
function textOf({ content }: BaseMessage): string {
  if (typeof content === "string") return content;
  return content
    .map((part) => {
      if (part.type === "text" && typeof part.text === "string") return part.text;
      if (part.type === "tool_use" || part.type === "tool_call") return "";
      throw unsupported(`a part of type ${part.type}`);
    })
    .join("");
}

function unsupported(what: string): MlcError {
  return new MlcError("ERR_UNSUPPORTED_FIELD", `Expected text in the messages but received ${what}.`);
}
