/**
 * Chat messages in OpenAI's shapes, and the check that turns a caller's messages into plain role, text and tool calls.
 *
 * Text only: images, audio and files are refused by name, never dropped.
 */
import { invalid, unsupported } from "./chat-error.js";
import { checkToolCalls, type FunctionToolCall, type ToolCall } from "./tool-call.js";

/** Who wrote a message. `developer` is OpenAI's newer name for `system`. */
export type ChatRole = "system" | "developer" | "user" | "assistant" | "tool";

/** A piece of a message's content. */
export interface TextContentPart {
  type: "text";
  text: string;
}

/** A piece of an assistant's answer that refused; it counts as text. */
export interface RefusalContentPart {
  type: "refusal";
  refusal: string;
}

/** Pieces that OpenAI's types allow and this engine refuses by name. */
export type OtherContentPart =
  | { type: "image_url"; image_url: object }
  | { type: "input_audio"; input_audio: object }
  | { type: "file"; file: object };

/** Content of a message: a text, or pieces of one. */
export type ChatContent = string | readonly (TextContentPart | RefusalContentPart | OtherContentPart)[];

/** Instructions, or what the user says; `name` tells participants of one role apart, where the template shows it. */
export interface SpokenMessage {
  role: "system" | "developer" | "user";
  content: ChatContent;
  name?: string;
}

/** An answer of the model, as this API gave it or written by the caller. */
export interface AssistantMessage {
  role: "assistant";
  /** May be absent beside tool calls or a refusal. */
  content?: ChatContent | null;
  name?: string;
  refusal?: string | null;
  /** What the model thought; the template decides whether it is shown again. */
  reasoning_content?: string | null;
  tool_calls?: readonly ToolCall[];
}

/** What a tool gave back. */
export interface ToolMessage {
  role: "tool";
  content: ChatContent;
  tool_call_id: string;
  name?: string;
}

/** OpenAI's old form of a tool's result, which is refused by name: it has no id. */
export interface FunctionMessage {
  role: "function";
  content: string | null;
  name: string;
}

/** One message, assignable from the `openai` package's message types. */
export type ChatMessage = SpokenMessage | AssistantMessage | ToolMessage | FunctionMessage;

/** A checked message of somebody who speaks. */
export interface PlainSpoken {
  readonly role: "system" | "developer" | "user";
  readonly content: string;
  readonly name?: string;
}

/** A checked answer of the model; its content is empty where it only called tools. */
export interface PlainAnswer {
  readonly role: "assistant";
  readonly content: string;
  readonly name?: string;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly FunctionToolCall[];
}

/** A checked result of a tool, with the name of the tool where a call before it tells. */
export interface PlainToolResult {
  readonly role: "tool";
  readonly content: string;
  readonly tool_call_id: string;
  readonly name?: string;
}

/** A checked message: what a chat template is given, its texts joined. */
export type PlainMessage = PlainSpoken | PlainAnswer | PlainToolResult;

const ROLES: readonly string[] = ["system", "developer", "user", "assistant", "tool"];

/** Fields beside `role` and `content` that a role has. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  assistant: ["name", "refusal", "reasoning_content", "tool_calls"],
  tool: ["name", "tool_call_id"],
};

/**
 * Checks messages that came from outside, joins their text parts, and gives tool results the name of the tool that was called.
 * Errors: ERR_INVALID_ARGUMENT for a wrong shape, ERR_UNSUPPORTED_FIELD for what is not supported.
 */
export function checkMessages(messages: unknown): PlainMessage[] {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw invalid("messages", "a non-empty list", messages);
  }
  const called = new Map<string, string>();
  return messages.map((message, index) => {
    const checked = checkMessage(message, `messages[${index}]`);
    if (checked.role === "assistant") {
      for (const call of checked.tool_calls ?? []) called.set(call.id, call.function.name);
    }
    if (checked.role !== "tool") return checked;
    const name = checked.name ?? called.get(checked.tool_call_id);
    return name === undefined ? checked : { ...checked, name };
  });
}

/** Checks one message, which its errors call `where`. */
export function checkMessage(message: unknown, where: string): PlainMessage {
  if (typeof message !== "object" || message === null) throw invalid(where, "an object", message);
  const { role, content, ...rest } = message as Record<string, unknown>;
  if (role === "function") {
    throw unsupported(`${where}.role`, role, 'send the result as role "tool" with a tool_call_id');
  }
  if (typeof role !== "string" || !ROLES.includes(role)) {
    throw invalid(`${where}.role`, `one of ${ROLES.join(", ")}`, role);
  }
  const known = FIELDS[role] ?? ["name"];
  for (const [field, value] of Object.entries(rest)) {
    // A reply of this API may be passed back as it is: the fields it leaves empty say nothing.
    const empty = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
    if (!empty && !known.includes(field)) {
      throw unsupported(`${where}.${field}`, value, "remove the field");
    }
  }
  const name = optionalText(rest.name, `${where}.name`);
  const named = name === undefined ? {} : { name };
  if (role === "assistant") return { role, ...named, ...assistantFields(content, rest, where) };
  const text = textOf(content, `${where}.content`);
  if (role !== "tool") return { role: role as PlainSpoken["role"], ...named, content: text };
  const { tool_call_id: id } = rest;
  if (typeof id !== "string" || id === "")
    throw invalid(`${where}.tool_call_id`, "a text that is not empty", id);
  return { role, ...named, content: text, tool_call_id: id };
}

function assistantFields(content: unknown, rest: Readonly<Record<string, unknown>>, where: string) {
  const refusal = optionalText(rest.refusal, `${where}.refusal`);
  const thought = optionalText(rest.reasoning_content, `${where}.reasoning_content`);
  const calls = checkToolCalls(rest.tool_calls, `${where}.tool_calls`);
  const mayBeEmpty = calls.length > 0 || refusal !== undefined;
  const text =
    mayBeEmpty && (content === undefined || content === null) ? "" : textOf(content, `${where}.content`);
  return {
    content: text === "" ? (refusal ?? "") : text,
    ...(thought === undefined ? {} : { reasoning_content: thought }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

function optionalText(value: unknown, where: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw invalid(where, "a string", value);
  return value;
}

function textOf(content: unknown, where: string): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw invalid(where, "a string or a list of text parts", content);
  return content.map((part: unknown, index) => textOfPart(part, `${where}[${index}]`)).join("");
}

function textOfPart(part: unknown, where: string): string {
  const fields = (typeof part === "object" && part !== null ? part : {}) as Record<string, unknown>;
  const { type } = fields;
  if (type !== "text" && type !== "refusal" && typeof type === "string") {
    throw unsupported(`${where}.type`, type, "only text parts are supported");
  }
  const text = type === "refusal" ? fields.refusal : fields.text;
  if (typeof type !== "string" || typeof text !== "string") {
    throw invalid(where, '{"type": "text", "text": string}', part);
  }
  return text;
}
