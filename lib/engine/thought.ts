/** The thoughts of an answer as the native engine follows them: by tokens. */
import type { NativeThought } from "../ffi/native-engine.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { expectBoolean, expectInteger, expectKnownNames, unexpected } from "./expectation.js";

/** How a model marks its thoughts, and how long they may be. */
export interface ThoughtOptions {
  /** What stands before and after a thought: a text of control tokens, such as "<think>", or token ids. */
  readonly begin: string | readonly number[];
  readonly end: string | readonly number[];
  /** What is said in the model's place once the budget is used up, and leads out of the thought; any text. Default: `end`. */
  readonly close?: string | readonly number[] | undefined;
  /** The prompt ends inside a thought. Default false. */
  readonly begun?: boolean | undefined;
  /** Most tokens of all thoughts of the answer together, at least 0. Default: as many as the model wants; they are counted. */
  readonly maxTokens?: number | undefined;
}

const OPTION_NAMES = ["begin", "end", "close", "begun", "maxTokens"];
const MOST_TOKENS = 2 ** 31 - 1;

/** Errors: ERR_INVALID_ARGUMENT, also for marks that a model may write in several ways. */
export function nativeThought(tokenizer: Tokenizer, options: ThoughtOptions): NativeThought {
  expectKnownNames("thought", options, OPTION_NAMES);
  const { begin, end, close = end, begun = false, maxTokens } = options;
  for (const [name, mark] of Object.entries({ begin, end }))
    if (typeof mark === "string" && mark !== "" && !isExactMark(tokenizer, mark))
      throw unexpected(`thought.${name}`, "control tokens of this model or token ids", mark);
  return {
    begin: tokensOf(tokenizer, "begin", begin),
    end: tokensOf(tokenizer, "end", end),
    close: tokensOf(tokenizer, "close", close),
    begun: expectBoolean("thought.begun", begun),
    ...(maxTokens === undefined
      ? {}
      : { budget: expectInteger("thought.maxTokens", maxTokens, 0, MOST_TOKENS) }),
  };
}

/** Whether a text is written with the same tokens wherever it stands: one between tokens of their own is. */
export function isExactMark(tokenizer: Tokenizer, mark: string): boolean {
  const ids = encodeMark(tokenizer, mark);
  return [ids[0], ids.at(-1)].every((id) => id !== undefined && tokenizer.addedIds.has(id));
}

const encodeMark = (tokenizer: Tokenizer, mark: string): number[] =>
  tokenizer.encode(mark, { addSpecial: false, parseSpecial: true });

function tokensOf(tokenizer: Tokenizer, name: string, mark: unknown): Int32Array {
  if (typeof mark === "string" && mark !== "") return Int32Array.from(encodeMark(tokenizer, mark));
  if (!Array.isArray(mark) || mark.length === 0)
    throw unexpected(`thought.${name}`, "a text or token ids", mark);
  return Int32Array.from(mark, (id, at) =>
    expectInteger(`thought.${name}[${at}]`, id, 0, tokenizer.vocabularySize - 1),
  );
}
