/**
 * Chat messages in OpenAI's shapes, and the check that turns a caller's messages into plain role and text.
 *
 * Text only: images, audio, tool calls and tool results are refused by name, never dropped.
 */
import { MlcError } from "../errors.js";

/** Who wrote a message. `developer` is OpenAI's newer name for `system`. */
export type ChatRole = "system" | "developer" | "user" | "assistant";

/** A piece of a message's content. */
export interface TextContentPart {
  type: "text";
  text: string;
}

/** One message, assignable from the `openai` package's message types where they hold text. */
export interface ChatMessage {
  role: ChatRole;
  content: string | readonly TextContentPart[];
}

/** A checked message: what a chat template sees. */
export interface PlainMessage {
  readonly role: ChatRole;
  readonly content: string;
}

const ROLES: readonly string[] = ["system", "developer", "user", "assistant"];

/**
 * Checks messages that came from outside and joins their text parts.
 * Errors: ERR_INVALID_ARGUMENT for a wrong shape, ERR_UNSUPPORTED_FIELD for what is not supported yet.
 */
export function checkMessages(messages: unknown): PlainMessage[] {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected a non-empty list for messages but received ${shown(messages)}.`,
    );
  }
  return messages.map((message, index) => checkMessage(message, `messages[${index}]`));
}

function checkMessage(message: unknown, where: string): PlainMessage {
  if (typeof message !== "object" || message === null) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected an object for ${where} but received ${shown(message)}.`,
    );
  }
  const { role, content, ...rest } = message as Record<string, unknown>;
  if (role === "tool" || role === "function") {
    throw unsupported(`${where}.role`, `"${role}"`, "tool results are not supported yet");
  }
  if (typeof role !== "string" || !ROLES.includes(role)) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected one of ${ROLES.join(", ")} for ${where}.role but received ${shown(role)}.`,
    );
  }
  for (const [field, value] of Object.entries(rest)) {
    // A reply of this API may be passed back as it is: the fields it leaves empty say nothing.
    if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) continue;
    throw unsupported(`${where}.${field}`, shown(value), "remove the field");
  }
  return { role: role as ChatRole, content: textOf(content, `${where}.content`) };
}

function textOf(content: unknown, where: string): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected a string or a list of text parts for ${where} but received ${shown(content)}.`,
    );
  }
  return content
    .map((part: unknown, index) => {
      const { type, text } = (typeof part === "object" && part !== null ? part : {}) as Record<
        string,
        unknown
      >;
      if (type !== "text" && typeof type === "string") {
        throw unsupported(`${where}[${index}].type`, `"${type}"`, "only text parts are supported");
      }
      if (type !== "text" || typeof text !== "string") {
        throw new MlcError(
          "ERR_INVALID_ARGUMENT",
          `Expected {"type": "text", "text": string} for ${where}[${index}] but received ${shown(part)}.`,
        );
      }
      return text;
    })
    .join("");
}

function unsupported(field: string, received: string, advice: string): MlcError {
  return new MlcError("ERR_UNSUPPORTED_FIELD", `Expected no ${field} but received ${received}: ${advice}.`, {
    details: { field },
  });
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 80);
}
