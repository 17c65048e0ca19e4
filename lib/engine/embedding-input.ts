/** Texts and token ids to the rows that are embedded: a prompt before them, special tokens around them, cut where asked. */
import { MlcError } from "../errors.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import type { EmbeddingTruncation } from "./embedding-types.js";
import { shown, unexpected } from "./expectation.js";
import { requireTokenizer } from "./prompt.js";

/** Most texts of one call, as with OpenAI. */
export const MOST_TEXTS = 2048;

/** One thing to embed, and its place in the caller's input. */
export interface EmbeddingText {
  readonly name: string;
  readonly content: string | readonly number[];
  /** Put before the text. */
  readonly prompt?: string | undefined;
}

/** How texts are read. */
export interface TextReading {
  readonly tokenizer: Tokenizer | undefined;
  readonly vocabularySize: number;
  /** Most tokens of a text. */
  readonly mostTokens: number;
  readonly truncate: EmbeddingTruncation;
}

/** How long tokenizing may hold up the event loop at a time. */
const SLICE_MS = 10;

/** The texts of an input in any of OpenAI's forms. Errors: ERR_INVALID_ARGUMENT naming the place. */
export function textsOf(input: unknown, prompt: string): readonly EmbeddingText[] {
  if (typeof input === "string") return [{ name: "input", content: input, prompt }];
  if (!Array.isArray(input) || input.length === 0)
    throw unexpected("input", "a text, a list of texts, token ids, or a list of them", input);
  if (typeof input[0] === "number") return [{ name: "input", content: input, prompt }];
  if (input.length > MOST_TEXTS) throw tooMany("input", MOST_TEXTS, input.length);
  const texts = typeof input[0] === "string";
  return input.map((content: unknown, index) => {
    const name = `input[${index}]`;
    const alike = texts ? typeof content === "string" : Array.isArray(content);
    if (!alike) throw unexpected(name, texts ? "a text" : "a text or a list of token ids", content);
    return { name, content: content as EmbeddingText["content"], prompt };
  });
}

/** ERR_INVALID_ARGUMENT for a list that is too long. */
export function tooMany(name: string, most: number, count: number): MlcError {
  return unexpected(`the length of ${name}`, `at most ${most}`, count);
}

/** `work` done for each item, in slices of time; `pause` is called between them and may throw. */
export async function inSlices<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Result,
  pause: () => void,
): Promise<Result[]> {
  const results: Result[] = [];
  let since = performance.now();
  for (const item of items) {
    results.push(work(item));
    if (performance.now() - since < SLICE_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    pause();
    since = performance.now();
  }
  return results;
}

/** Token ids of a text. Errors: ERR_INVALID_ARGUMENT, ERR_CONTEXT_OVERFLOW. */
export function textIds(text: EmbeddingText, reading: TextReading): Int32Array {
  return Int32Array.from(readText(text, reading));
}

function readText({ name, content, prompt = "" }: EmbeddingText, reading: TextReading): readonly number[] {
  if (typeof content === "string") {
    if (content === "") throw unexpected(name, "a text that is not empty", content);
    const tokenizer = requireTokenizer(reading.tokenizer);
    const ids = tokenizer.encode(prompt + content);
    if (ids.length === 0) throw unexpected(name, "a text of at least one token", content);
    return fitted(name, ids, reading, tokenizer.surroundings);
  }
  if (prompt !== "")
    throw unexpected(name, "a text, as there is a prompt to put before it", `token ids ${shown(content)}`);
  return fitted(name, checkIds(content, name, reading.vocabularySize), reading, NOTHING);
}

const NOTHING = { prefix: [], suffix: [] };

function checkIds(ids: readonly number[], name: string, vocabularySize: number): readonly number[] {
  if (ids.length === 0) throw unexpected(name, "at least one token id", ids);
  for (const [index, id] of ids.entries()) {
    if (!Number.isInteger(id) || id < 0 || id >= vocabularySize)
      throw unexpected(`${name}[${index}]`, `a token id below ${vocabularySize}`, id);
  }
  return ids;
}

/** What begins and ends a text, such as the token whose row is the vector, stays. */
function fitted(
  name: string,
  ids: readonly number[],
  { mostTokens: most, truncate }: TextReading,
  { prefix, suffix }: Tokenizer["surroundings"],
): readonly number[] {
  if (ids.length <= most) return ids;
  if (truncate === "end") return [...ids.slice(0, most - suffix.length), ...suffix];
  if (truncate === "start") return [...prefix, ...ids.slice(ids.length - most + prefix.length)];
  throw new MlcError(
    "ERR_CONTEXT_OVERFLOW",
    `Expected at most ${most} tokens for ${name} but received ${ids.length}: shorten the text, or have it cut with truncate ("start" or "end").`,
    { details: { name, tokens: ids.length, most } },
  );
}
