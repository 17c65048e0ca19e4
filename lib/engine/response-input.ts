/** Items of a response's input → the chat they stand for. */
import { type ChatMessage, checkMessage } from "../chat/message.js";
import { MlcError } from "../errors.js";
import { expectText, shown, unexpected } from "./expectation.js";

type Item = Readonly<Record<string, unknown>>;

/** What an answer was made of: its thoughts, its text and its calls are items of their own, and one message of a chat. */
interface Answer {
  role: "assistant";
  content?: unknown;
  reasoning_content?: string;
  tool_calls?: { id: string; type: "function"; function: { name: unknown; arguments: unknown } }[];
}

/**
 * The chat that instructions and input are.
 * Errors: ERR_INVALID_ARGUMENT; ERR_UNSUPPORTED_FIELD for items and parts of kinds that are not text, thoughts or functions.
 */
export function messagesOf(instructions: unknown, input: unknown): unknown[] {
  const first =
    instructions == null ? [] : [{ role: "system", content: expectText("instructions", instructions) }];
  if (typeof input === "string") return [...first, { role: "user", content: input }];
  if (!Array.isArray(input) || input.length === 0)
    throw unexpected("input", "a text or a list of items that is not empty", input);
  const messages: unknown[] = first;
  let answer: Answer | undefined;
  for (const [index, given] of input.entries()) {
    const where = `input[${index}]`;
    if (typeof given !== "object" || given === null) throw unexpected(where, "an item", given);
    const item = given as Item;
    const part = answerPart(item, where);
    if (part === undefined) {
      answer = undefined;
      messages.push(spokenMessage(item, where));
      continue;
    }
    if (answer === undefined || !belongs(part, answer)) {
      answer = { role: "assistant" };
      messages.push(answer);
    }
    const { tool_calls: calls, ...rest } = part;
    Object.assign(answer, rest);
    if (calls !== undefined) answer.tool_calls = [...(answer.tool_calls ?? []), ...calls];
  }
  return messages.map((message) =>
    // A thought that led to nothing is an answer without text.
    (message as Answer).role === "assistant" ? { content: "", ...(message as Answer) } : message,
  );
}

/** An answer thinks first, then speaks, then calls; what comes out of that order begins another one. */
function belongs(part: Partial<Answer>, answer: Answer): boolean {
  if (part.tool_calls !== undefined) return true;
  if (answer.tool_calls !== undefined || answer.content !== undefined) return false;
  return part.content !== undefined || answer.reasoning_content === undefined;
}

/** What an item says of an answer; undefined for items of others. */
function answerPart(item: Item, where: string): Partial<Answer> | undefined {
  switch (item.type ?? "message") {
    case "message": {
      if (item.role !== "assistant") return undefined;
      const content = textParts(item.content, `${where}.content`);
      checkMessage({ role: "assistant", content }, where);
      return { content };
    }
    case "reasoning":
      return { reasoning_content: thoughtOf(item, where) };
    case "function_call": {
      const called = { name: item.name, arguments: item.arguments };
      const call = {
        id: expectText(`${where}.call_id`, item.call_id),
        type: "function" as const,
        function: called,
      };
      checkMessage({ role: "assistant", tool_calls: [call] }, where);
      return { tool_calls: [call] };
    }
    default:
      return undefined;
  }
}

function thoughtOf({ content, summary, encrypted_content: encrypted }: Item, where: string): string {
  if (encrypted != null) throw unsupported(`${where}.encrypted_content`, encrypted);
  const parts = content ?? summary ?? [];
  if (!Array.isArray(parts)) throw unexpected(`${where}.content`, "a list of parts", parts);
  return parts.map((part, index) => expectText(`${where}.content[${index}].text`, part?.text)).join("");
}

/** A message of somebody else, or what a function gave back. */
function spokenMessage(item: Item, where: string): ChatMessage {
  const { type = "message", role, content, call_id: id, output } = item;
  if (type === "message") {
    const message = { role, content: textParts(content, `${where}.content`) };
    if (role === "tool" || role === "function")
      throw unexpected(`${where}.role`, "user, assistant, system or developer", role);
    checkMessage(message, where);
    return message as ChatMessage;
  }
  if (type !== "function_call_output") throw unsupported(`${where}.type`, type);
  return {
    role: "tool",
    tool_call_id: expectText(`${where}.call_id`, id),
    content: textParts(output, `${where}.output`) as string,
  };
}

/** A text, or its parts under the chat API's names. */
function textParts(content: unknown, where: string): unknown {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw unexpected(where, "a text or a list of parts", content);
  return content.map((part: unknown, index) => {
    const { type, text, refusal } = (typeof part === "object" && part !== null ? part : {}) as Item;
    if (type === "refusal") return { type, refusal };
    if (typeof type !== "string") throw unexpected(`${where}[${index}].type`, '"input_text"', type);
    if (type !== "input_text" && type !== "output_text") throw unsupported(`${where}[${index}].type`, type);
    if (typeof text !== "string") throw unexpected(`${where}[${index}].text`, "a text", text);
    return { type: "text", text };
  });
}

function unsupported(field: string, value: unknown): MlcError {
  return new MlcError(
    "ERR_UNSUPPORTED_FIELD",
    `Expected a message, a thought, a function's call or its output in text but received ${shown(value)} for ${field}.`,
    { details: { field } },
  );
}
