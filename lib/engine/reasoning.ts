/** What a chat request says of the model's thoughts: how much to think, and how long. */
import { CHANNEL_THOUGHT } from "../chat/harmony.js";
import type { ReasoningSyntax } from "../chat/reasoning-syntax.js";
import { MlcError } from "../errors.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { expectInteger, expectKnownNames, unexpected } from "./expectation.js";
import { isExactMark, type ThoughtOptions } from "./thought.js";

/** Fields of a body that are about thoughts. */
export const REASONING_FIELDS = ["reasoning_effort", "reasoning", "thinking_token_budget"];

/** The fields of `reasoning`. */
const NAMES = ["max_tokens", "effort"];

/** What the fields say together. */
export interface ReasoningRequest {
  readonly effort: unknown;
  /** Most tokens of thoughts. */
  readonly maxTokens: number | undefined;
}

/** Errors: ERR_INVALID_ARGUMENT, also where two names of one thing differ. */
export function reasoningOf(body: Readonly<Record<string, unknown>>): ReasoningRequest {
  const own = body.reasoning ?? {};
  if (typeof own !== "object" || Array.isArray(own)) throw unexpected("reasoning", "an object", own);
  expectKnownNames("reasoning", own, NAMES);
  const { effort, max_tokens: budget } = own as Readonly<Record<string, unknown>>;
  const maxTokens = either(
    "thinking_token_budget",
    body.thinking_token_budget,
    "reasoning.max_tokens",
    budget,
  );
  return {
    effort: either("reasoning_effort", body.reasoning_effort, "reasoning.effort", effort),
    maxTokens:
      maxTokens === undefined
        ? undefined
        : expectInteger("reasoning.max_tokens", maxTokens, 0, Number.MAX_SAFE_INTEGER),
  };
}

/**
 * How the native engine follows the model's thoughts; undefined where it cannot.
 * Errors: ERR_UNSUPPORTED_FIELD for a budget of thoughts that cannot be told from the answer.
 */
export function thoughtOf(
  tokenizer: Tokenizer,
  syntax: ReasoningSyntax | undefined,
  channels: boolean,
  begun: boolean,
  maxTokens: number | undefined,
): ThoughtOptions | undefined {
  const marks = channels ? CHANNEL_THOUGHT : syntax;
  if (marks !== undefined && [marks.begin, marks.end].every((mark) => isExactMark(tokenizer, mark))) {
    const { begin, end } = marks;
    return channels ? { ...CHANNEL_THOUGHT, maxTokens } : { begin, end, begun, maxTokens };
  }
  if (maxTokens === undefined) return undefined;
  const why =
    marks === undefined
      ? "chat template marks no thoughts"
      : `marks of thoughts (${marks.begin}, ${marks.end}) are ordinary text`;
  throw new MlcError(
    "ERR_UNSUPPORTED_FIELD",
    `Expected no reasoning.max_tokens but received ${maxTokens}: this model's ${why}.`,
    { details: { field: "reasoning.max_tokens" } },
  );
}

/** The value under either of its names. */
function either(name: string, value: unknown, otherName: string, otherValue: unknown): unknown {
  const [first, second] = [value ?? undefined, otherValue ?? undefined];
  if (first !== undefined && second !== undefined && first !== second)
    throw unexpected(otherName, `the value of ${name} or none`, second);
  return first ?? second;
}
