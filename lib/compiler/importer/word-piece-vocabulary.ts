// BERT's older tokenizer files: vocab.txt, a piece a line, with the options of tokenizer_config.json.
import type { JsonObject } from "./json-file.js";
import { malformed, unsupported } from "./malformed-file.js";

/** The vocabulary's file. */
export const VOCABULARY_TEXT = "vocab.txt";

/** Tokenizers of transformers whose vocab.txt is WordPiece with BERT's normaliser. */
const CLASSES = ["BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer", "DistilBertTokenizerFast"];

/** Control tokens by their key in tokenizer_config.json, with the spelling where it names none. */
const CONTROL_TOKENS = [
  ["pad_token", "[PAD]"],
  ["unk_token", "[UNK]"],
  ["cls_token", "[CLS]"],
  ["sep_token", "[SEP]"],
  ["mask_token", "[MASK]"],
] as const;

/**
 * The tokenizer.json of a vocab.txt, as transformers converts it.
 * @param file path of vocab.txt, for messages.
 * @throws MlcError ERR_UNSUPPORTED_FORMAT for a tokenizer of another class or without basic tokenization, ERR_INVALID_MODEL for a
 * vocabulary without the tokens that stand around a text.
 */
export function wordPieceDocument(text: string, config: JsonObject, file: string): JsonObject {
  return wordPieceTokenizer(lines(text), config, file);
}

/**
 * The same of a list of pieces, by their ids.
 * @param where the pieces' place, for messages.
 */
export function wordPieceTokenizer(pieces: readonly string[], config: JsonObject, where: string): JsonObject {
  const { tokenizer_class: name = "BertTokenizer", do_basic_tokenize: basic = true } = config;
  if (!CLASSES.some((known) => known === name) || basic !== true)
    throw unsupported(
      where,
      `a tokenizer_class of ${CLASSES.join(", ")} with do_basic_tokenize beside it`,
      { tokenizer_class: name, do_basic_tokenize: basic },
      "save the tokenizer in the fast format (tokenizer.json) first",
    );
  const ids = new Map(pieces.map((piece, id) => [piece, id]));
  const control = CONTROL_TOKENS.map(([key, spelling]) => spellingOf(config[key]) ?? spelling);
  const [, unknown, start, end] = control as [string, string, string, string];
  const required = (piece: string): [string, number] => {
    const id = ids.get(piece);
    if (id === undefined) throw malformed(where, `the token ${piece}`, `${ids.size} others`);
    return [piece, id];
  };
  required(unknown);
  return {
    version: "1.0",
    added_tokens: control.flatMap((content) => {
      const id = ids.get(content);
      return id === undefined ? [] : [{ id, content, special: true, normalized: false }];
    }),
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: config.tokenize_chinese_chars ?? true,
      strip_accents: config.strip_accents ?? null,
      lowercase: config.do_lower_case ?? true,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: { type: "BertProcessing", sep: required(end), cls: required(start) },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: unknown,
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(ids),
    },
  };
}

function lines(text: string): string[] {
  const all = text.split(/\r?\n/);
  return all.at(-1) === "" ? all.slice(0, -1) : all;
}

/** A token of tokenizer_config.json: its spelling, or an object that holds it. */
function spellingOf(token: unknown): string | undefined {
  if (typeof token === "object" && token !== null) return spellingOf((token as JsonObject).content);
  return typeof token === "string" ? token : undefined;
}
