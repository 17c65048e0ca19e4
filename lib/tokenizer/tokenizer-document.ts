/**
 * The parts of `tokenizer.json` and `tokenizer_config.json` that this folder reads itself, checked once.
 *
 * @huggingface/tokenizers interprets the rest; a document it cannot interpret is refused in tokenizer.ts.
 */
import { MlcError } from "../errors.js";

/** One entry of `added_tokens`. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** A control token: may be skipped when decoding and never comes from a user's text. */
  readonly special: boolean;
  /** Whether the token swallows white space on its left or right when it is found in a text. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Whether the token only matches where no word character touches it. */
  readonly singleWord: boolean;
  /** Whether the token is looked for after the normaliser instead of before it. */
  readonly normalized: boolean;
}

/** One stage of a decoder or pre-tokenizer: its type and whatever options it has. */
export interface Stage {
  readonly type: string;
  readonly [option: string]: unknown;
}

/** A checked `tokenizer.json`; `raw` is the whole document for the library. */
export interface TokenizerDocument {
  readonly raw: Readonly<Record<string, unknown>>;
  /** `raw.model`. */
  readonly model: Readonly<Record<string, unknown>>;
  readonly addedTokens: readonly AddedToken[];
  readonly decoder: Stage | undefined;
}

/** Checks the parts this folder reads. Errors: ERR_INVALID_MODEL naming the field. */
export function parseTokenizerDocument(document: unknown): TokenizerDocument {
  const raw = record(document, "tokenizer.json");
  const model = record(raw.model, "tokenizer.json: model");
  const list = raw.added_tokens ?? [];
  if (!Array.isArray(list)) throw invalid("tokenizer.json: added_tokens", "a list", list);
  const decoder = raw.decoder ?? undefined;
  return {
    raw: {
      decoder: null,
      post_processor: null,
      normalizer: null,
      ...raw,
      pre_tokenizer: withUnicodeClasses(raw.pre_tokenizer ?? null),
      added_tokens: list,
    },
    model,
    addedTokens: list.map((entry, index) => addedToken(entry, `tokenizer.json: added_tokens[${index}]`)),
    decoder: decoder === undefined ? undefined : stage(decoder, "tokenizer.json: decoder"),
  };
}

/** A value that must be a plain JSON object. */
export function record(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(where, "an object", value);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** A value that must be an object with a `type`. */
export function stage(value: unknown, where: string): Stage {
  const object = record(value, where);
  if (typeof object.type !== "string") throw invalid(`${where}.type`, "a string", object.type);
  return object as Stage;
}

function addedToken(value: unknown, where: string): AddedToken {
  const entry = record(value, where);
  if (typeof entry.content !== "string" || entry.content === "") {
    throw invalid(`${where}.content`, "a non-empty string", entry.content);
  }
  if (typeof entry.id !== "number" || !Number.isInteger(entry.id) || entry.id < 0) {
    throw invalid(`${where}.id`, "a token id", entry.id);
  }
  return {
    id: entry.id,
    content: entry.content,
    special: entry.special === true,
    lstrip: entry.lstrip === true,
    rstrip: entry.rstrip === true,
    singleWord: entry.single_word === true,
    normalized: entry.normalized === true,
  };
}

/** GPT-2's split rule; as a Split stage its `\s` is Unicode's. */
const BYTE_LEVEL_PATTERN =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * Two pre-tokenizer stages of the library follow JavaScript's character classes where the original follows Unicode's:
 * ByteLevel splits at `\s` (JavaScript counts U+FEFF and not U+0085), Digits at `\d` (the original takes every number
 * character, "½" too). Both can be said as a Split stage, whose classes the library does translate.
 */
function withUnicodeClasses(preTokenizer: unknown): unknown {
  if (typeof preTokenizer !== "object" || preTokenizer === null) return preTokenizer;
  const options = preTokenizer as Record<string, unknown>;
  if (options.type === "Sequence" && Array.isArray(options.pretokenizers)) {
    return { ...options, pretokenizers: options.pretokenizers.map(withUnicodeClasses) };
  }
  if (options.type === "Digits") return split(options.individual_digits === true ? "\\p{N}" : "\\p{N}+");
  // With a prefix space the order of the two steps would change; that variant (old RoBERTa) keeps the library's rule.
  if (options.type === "ByteLevel" && options.use_regex !== false && options.add_prefix_space !== true) {
    return {
      type: "Sequence",
      pretokenizers: [split(BYTE_LEVEL_PATTERN), { ...options, use_regex: false }],
    };
  }
  return preTokenizer;
}

function split(pattern: string): Record<string, unknown> {
  return { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false };
}

function invalid(where: string, expected: string, received: unknown): MlcError {
  const shown = (JSON.stringify(received) ?? "nothing").slice(0, 80);
  return new MlcError(
    "ERR_INVALID_MODEL",
    `Expected ${expected} at ${where} but received ${shown}: the tokenizer files are damaged or of an unknown kind.`,
  );
}
