/**
 * Text longer than the context: its first tokens stay, of the others the older half is left out each time the context is
 * full, and the model reads what is left anew, at its new places (cpp/engine/scheduler.h, Slide()). Moving keys to new places
 * in place of computing them again (llama.cpp's "context shift") is faster and inexact: they still hold what was left out.
 */
import type { ChatMessage } from "../chat/message.js";
import { expectInteger } from "./expectation.js";
import type { Truncation } from "./overflow.js";

/** A prompt that slides. */
export interface SlidingPrompt {
  readonly ids: Int32Array;
  /** First tokens that stay. */
  readonly keep: number;
  readonly truncation: Truncation | undefined;
}

/**
 * The prompt as it is after a slide, where it leaves no room in the context for an answer: its first `keep` tokens (at most half
 * the context) and its last, which fill half of what the first ones leave.
 */
export function slidePrompt(whole: Int32Array, keep: number, contextLength: number): SlidingPrompt {
  const first = Math.min(keep, Math.floor(contextLength / 2));
  if (whole.length < contextLength) return { ids: whole, keep: first, truncation: undefined };
  const last = Math.floor((contextLength - first) / 2);
  const ids = new Int32Array(first + last);
  ids.set(whole.subarray(0, first));
  ids.set(whole.subarray(whole.length - last), first);
  const truncation = {
    droppedTurns: 0,
    droppedMessages: 0,
    droppedTokens: whole.length - ids.length,
    originalPromptTokens: whole.length,
  };
  return { ids, keep: first, truncation };
}

/** Checks `slidingKeep`. Errors: ERR_INVALID_ARGUMENT. */
export function expectSlidingKeep(value: unknown, contextLength: number): number | undefined {
  if (value === undefined || value === null) return undefined;
  return expectInteger("slidingKeep", value, 0, Math.floor(contextLength / 2));
}

/** First tokens of a prompt that are special, such as the one that begins every text. */
export function leadingSpecials(ids: Int32Array, specialIds: ReadonlySet<number> | undefined): number {
  const end = ids.findIndex((id) => specialIds?.has(id) !== true);
  return end < 0 ? ids.length : end;
}

/**
 * Tokens that the prompt of a chat shares with that of every chat of the same system messages: up to the text of the
 * first user message.
 */
export function sharedBeginning(
  messages: readonly ChatMessage[],
  whole: Int32Array,
  encode: (messages: readonly ChatMessage[]) => Int32Array,
): number {
  const first = messages.findIndex(({ role }) => role !== "system" && role !== "developer");
  const content = messages[first]?.content ?? "";
  const part = typeof content === "string" ? { text: content } : content[0];
  const text = part !== undefined && "text" in part ? part.text : "";
  const other = text.trimStart().startsWith("A") ? "B" : "A";
  const end = first < 0 ? messages.length : first;
  const probe = encode([...messages.slice(0, end), { role: "user", content: other }]);
  const differs = whole.findIndex((id, place) => id !== probe[place]);
  return differs < 0 ? whole.length : differs;
}
