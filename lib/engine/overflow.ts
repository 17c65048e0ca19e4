/** What happens to a text that is too long for the context. */
import type { ChatMessage } from "../chat/message.js";
import { MlcError } from "../errors.js";
import { unexpected } from "./expectation.js";

/**
 * "error" refuses a prompt that leaves no room for an answer, and an answer ends with the context; "truncate-oldest" drops the
 * oldest turns of a chat until there is room; "sliding" lets prompt and answer be longer than the context: the model
 * reads their first tokens and their last (see sliding.ts). The result says what was left out.
 */
export type OverflowPolicy = (typeof POLICIES)[number];

const POLICIES = ["error", "truncate-oldest", "sliding"] as const;

/** What an overflow policy left out. */
export interface Truncation {
  /** Whole turns and messages; 0 for "sliding", which cuts anywhere. */
  readonly droppedTurns: number;
  readonly droppedMessages: number;
  /** Of the prompt, and with "sliding" of the answer too. */
  readonly droppedTokens: number;
  /** Tokens of the whole prompt, before anything was dropped. */
  readonly originalPromptTokens: number;
}

/** `truncation` of a prompt of `promptTokens` tokens with what the engine left out as the answer grew. */
export function withDropped(
  truncation: Truncation | undefined,
  droppedTokens: number,
  promptTokens: number,
): Truncation | undefined {
  if (droppedTokens === 0) return truncation;
  const before = truncation ?? {
    droppedTurns: 0,
    droppedMessages: 0,
    droppedTokens: 0,
    originalPromptTokens: promptTokens,
  };
  return { ...before, droppedTokens: before.droppedTokens + droppedTokens };
}

/** Tokens kept free for an answer, unless `maxTokens` asks for fewer; at most a quarter of the context. */
export const ANSWER_RESERVE = 256;

/** Checks a policy. Errors: ERR_INVALID_ARGUMENT. */
export function expectOverflowPolicy(value: unknown): OverflowPolicy {
  const policy = POLICIES.find((known) => known === (value ?? "error"));
  if (policy === undefined)
    throw unexpected("overflow", POLICIES.map((known) => `"${known}"`).join(", "), value);
  return policy;
}

/** Most tokens of a prompt that leaves room for an answer of `maxTokens`, or of the reserve where that is less. */
export function promptRoom(contextLength: number, maxTokens: number | undefined): number {
  const reserve = Math.max(1, Math.min(ANSWER_RESERVE, Math.floor(contextLength / 4)));
  return contextLength - Math.min(maxTokens ?? reserve, reserve);
}

/**
 * The chat without as many of its oldest turns as needed for its prompt to have at most `room` tokens. System and developer
 * messages stay, and so does the last turn: a chat that is still longer than `room` then is kept as long as one token of
 * the context is left for the answer.
 * Errors: ERR_CONTEXT_OVERFLOW where that is not so, and those of `encode`, which makes the prompt of messages.
 */
export function truncateOldest<Encoded extends { readonly ids: ArrayLike<number> }>(
  messages: readonly ChatMessage[],
  limits: { readonly room: number; readonly contextLength: number },
  encode: (messages: readonly ChatMessage[]) => Encoded,
): { encoded: Encoded; truncation: Truncation | undefined } {
  const whole = encode(messages);
  if (whole.ids.length <= limits.room) return { encoded: whole, truncation: undefined };
  const turns = turnsOf(messages);
  const without = (count: number) => {
    const dropped = new Set(turns.slice(0, count).flat());
    return encode(messages.filter((_, index) => !dropped.has(index)));
  };
  // Fewer turns make a shorter prompt, so the count is found by halving: each try renders and tokenizes the chat.
  let [least, most] = [0, Math.max(0, turns.length - 1)];
  let best = most === 0 ? whole : undefined;
  while (least < most) {
    const count = Math.floor((least + most) / 2);
    const tried = count === 0 ? whole : without(count);
    if (tried.ids.length > limits.room) least = count + 1;
    else [most, best] = [count, tried];
  }
  const encoded = best ?? without(most);
  if (encoded.ids.length >= limits.contextLength)
    throw lastTurnTooLong(encoded.ids.length, limits.contextLength);
  if (most === 0) return { encoded, truncation: undefined };
  const droppedMessages = turns.slice(0, most).flat().length;
  return {
    encoded,
    truncation: {
      droppedTurns: most,
      droppedMessages,
      droppedTokens: whole.ids.length - encoded.ids.length,
      originalPromptTokens: whole.ids.length,
    },
  };
}

/**
 * Indices of the messages of each turn: a user message and everything until the next one. What stands before the first
 * user message is a turn too; system and developer messages are in none.
 */
function turnsOf(messages: readonly ChatMessage[]): number[][] {
  const turns: number[][] = [];
  for (const [index, { role }] of messages.entries()) {
    if (role === "system" || role === "developer") continue;
    const turn = turns.at(-1);
    if (turn === undefined || role === "user") turns.push([index]);
    else turn.push(index);
  }
  return turns;
}

function lastTurnTooLong(promptTokens: number, contextLength: number): MlcError {
  return new MlcError(
    "ERR_CONTEXT_OVERFLOW",
    `Expected system messages and a last turn of at most ${contextLength - 1} tokens (the context holds ${contextLength}, one is needed for the answer) but received ${promptTokens}: shorten them, or load or compile with a longer context.`,
    { details: { promptTokens, contextLength } },
  );
}
