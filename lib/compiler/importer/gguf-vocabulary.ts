import type { GgufMetadata } from "./gguf-metadata.js";
import { malformed } from "./malformed-file.js";

/** Kinds of tokens (llama.cpp's llama_token_type). */
export const TokenKind = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** One entry of `added_tokens` in tokenizer.json. */
export interface AddedTokenEntry {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  readonly special: boolean;
}

/** The vocabulary of a GGUF file, checked. */
export interface GgufVocabulary {
  readonly tokens: readonly string[];
  /** Kind of each token. */
  readonly kinds: readonly number[];
  readonly addedTokens: readonly AddedTokenEntry[];
  /** Ids of the named tokens, where the file has them. */
  readonly special: Readonly<Record<"bos" | "eos" | "unknown" | "padding", number | undefined>>;
}

/** Reads tokens, kinds and special ids. Errors: ERR_INVALID_MODEL. */
export function readVocabulary(metadata: GgufMetadata): GgufVocabulary {
  const tokens = metadata.texts("tokenizer.ggml.tokens");
  if (tokens === undefined || tokens.length === 0)
    throw malformed(metadata.where, "a vocabulary in the key tokenizer.ggml.tokens", tokens);
  const kinds =
    metadata.numbers("tokenizer.ggml.token_type", tokens.length) ?? tokens.map(() => TokenKind.normal);
  if (kinds.length !== tokens.length)
    throw malformed(
      `${metadata.where}, key tokenizer.ggml.token_type`,
      `${tokens.length} entries`,
      kinds.length,
    );
  const id = (name: string) => specialId(metadata, `tokenizer.ggml.${name}_token_id`, tokens.length);
  return {
    tokens,
    kinds,
    addedTokens: addedTokens(tokens, kinds),
    special: { bos: id("bos"), eos: id("eos"), unknown: id("unknown"), padding: id("padding") },
  };
}

/** Token to id; a null prototype keeps a token named "__proto__" an ordinary one. */
export function vocabularyMap(vocabulary: GgufVocabulary): Record<string, number> {
  const map: Record<string, number> = Object.create(null);
  vocabulary.tokens.forEach((token, id) => {
    map[token] = id;
  });
  return map;
}

function specialId(metadata: GgufMetadata, key: string, size: number): number | undefined {
  const id = metadata.natural(key);
  if (id !== undefined && id >= size)
    throw malformed(`${metadata.where}, key ${key}`, `a token id below ${size}`, id);
  return id;
}

/** Control tokens and user-defined ones are found in a text before it is cut into words. */
function addedTokens(tokens: readonly string[], kinds: readonly number[]): AddedTokenEntry[] {
  const entries: AddedTokenEntry[] = [];
  kinds.forEach((kind, id) => {
    const content = tokens[id] ?? "";
    const special = kind === TokenKind.control || kind === TokenKind.unknown;
    if (content === "" || !(special || kind === TokenKind.userDefined)) return;
    // A piece with SentencePiece's space mark only exists after the normaliser.
    const normalized = content.includes("▁");
    entries.push({ id, content, single_word: false, lstrip: false, rstrip: false, normalized, special });
  });
  return entries;
}
