// GGUF's "bert" tokenizers: WordPiece whose words begin with a "phantom" space, where BERT marks with "##" what goes on with a word.
import type { GgufMetadata } from "./gguf-metadata.js";
import { type GgufVocabulary, TokenKind } from "./gguf-vocabulary.js";
import type { JsonObject } from "./json-file.js";
import { wordPieceTokenizer } from "./word-piece-vocabulary.js";

const SPACE_MARK = "▁";
const CONTINUATION = "##";

/** Control tokens by their key in tokenizer_config.json, with the names llama.cpp has had for them, the usual one first. */
const CONTROL_KEYS = [
  ["unk_token", ["unknown"]],
  ["cls_token", ["cls", "bos"]],
  ["sep_token", ["seperator", "separator", "eos"]],
  ["pad_token", ["padding"]],
  ["mask_token", ["mask"]],
] as const;

/** tokenizer.json and tokenizer_config.json of a WordPiece vocabulary. Errors: ERR_INVALID_MODEL. */
export function wordPieceFiles(
  metadata: GgufMetadata,
  vocabulary: GgufVocabulary,
): { readonly document: JsonObject; readonly config: JsonObject } {
  const ids = controlIds(metadata, vocabulary);
  const named = new Set(ids.values());
  const isControl = (id: number) => vocabulary.kinds[id] === TokenKind.control || named.has(id);
  const pieces = vocabulary.tokens.map((token, id) => (isControl(id) ? token : bertPiece(token)));
  const lowerCase = metadata.flag("tokenizer.ggml.normalizer.lowercase") ?? !hasCapitals(pieces, vocabulary);
  const config = {
    tokenizer_class: "BertTokenizer",
    do_lower_case: lowerCase,
    strip_accents: metadata.flag("tokenizer.ggml.normalizer.strip_accents") ?? null,
    ...Object.fromEntries([...ids].map(([key, id]) => [key, pieces[id]])),
  };
  const where = `${metadata.where}, key tokenizer.ggml.tokens`;
  return { document: wordPieceTokenizer(pieces, config, where), config };
}

function controlIds(metadata: GgufMetadata, { tokens }: GgufVocabulary): ReadonlyMap<string, number> {
  const found = CONTROL_KEYS.flatMap(([key, names]) => {
    const id = names
      .map((name) => metadata.natural(`tokenizer.ggml.${name}_token_id`))
      .find((value) => value !== undefined && value < tokens.length);
    return id === undefined ? [] : [[key, id] as const];
  });
  return new Map(found);
}

/** BERT's spelling of a piece. Older files leave the mark out of what stands in brackets, such as "[unused5]". */
function bertPiece(token: string): string {
  if (token.length > SPACE_MARK.length && token.startsWith(SPACE_MARK)) return token.slice(SPACE_MARK.length);
  return /^\[.+\]$/.test(token) ? token : CONTINUATION + token;
}

/** A vocabulary with capitals is one of a cased model; llama.cpp's older files do not say. */
function hasCapitals(pieces: readonly string[], { kinds }: GgufVocabulary): boolean {
  return pieces.some((piece, id) => kinds[id] === TokenKind.normal && /^(?!\[.+\]$).*[A-Z]/.test(piece));
}
