/** GGUF tokenizer metadata made from a tokenizer.json, as llama.cpp's converter makes it: to rebuild the one from the other. */
import type { WrittenValue } from "./gguf-writer.js";

interface TokenizerDocument {
  readonly model: {
    readonly vocab: Record<string, number>;
    readonly merges: readonly (string | [string, string])[];
  };
  readonly added_tokens: readonly { id: number; content: string; special: boolean }[];
}

const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;
const BYTE = 6;

/** Metadata of a byte-level BPE (kind "gpt2") with the pre-tokenizer `pre`. */
export function bytePairMetadata(tokenizerJson: unknown, pre: string): Record<string, WrittenValue> {
  const document = tokenizerJson as TokenizerDocument;
  const { tokens, kinds } = vocabulary(document);
  const merges = document.model.merges.map((merge) => (typeof merge === "string" ? merge : merge.join(" ")));
  return {
    "tokenizer.ggml.model": ["string", "gpt2"],
    "tokenizer.ggml.pre": ["string", pre],
    "tokenizer.ggml.tokens": ["array", "string", tokens],
    "tokenizer.ggml.token_type": ["array", "i32", kinds],
    "tokenizer.ggml.merges": ["array", "string", merges],
  };
}

/** Metadata of a SentencePiece BPE (kind "llama"); the score of a piece is the rank of its first merge, negated. */
export function sentencePieceMetadata(tokenizerJson: unknown): Record<string, WrittenValue> {
  const document = tokenizerJson as TokenizerDocument;
  const { tokens, kinds } = vocabulary(document);
  const ranks = new Map<string, number>();
  document.model.merges.forEach((merge, rank) => {
    const piece = typeof merge === "string" ? merge.replace(" ", "") : merge.join("");
    if (!ranks.has(piece)) ranks.set(piece, rank);
  });
  const spmKinds = tokens.map((token, id) =>
    token === "<unk>" ? UNKNOWN : /^<0x[0-9A-F]{2}>$/.test(token) ? BYTE : (kinds[id] ?? NORMAL),
  );
  const scores = tokens.map((token) => -(ranks.get(token) ?? 0));
  return {
    "tokenizer.ggml.model": ["string", "llama"],
    "tokenizer.ggml.tokens": ["array", "string", tokens],
    "tokenizer.ggml.token_type": ["array", "i32", spmKinds],
    "tokenizer.ggml.scores": ["array", "f32", scores],
    "tokenizer.ggml.bos_token_id": ["u32", tokens.indexOf("<s>")],
    "tokenizer.ggml.eos_token_id": ["u32", tokens.indexOf("</s>")],
    "tokenizer.ggml.unknown_token_id": ["u32", tokens.indexOf("<unk>")],
  };
}

function vocabulary({ model, added_tokens: added }: TokenizerDocument): {
  tokens: string[];
  kinds: number[];
} {
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(model.vocab)) tokens[id] = token;
  const kinds = tokens.map(() => NORMAL);
  for (const { id, content, special } of added) {
    tokens[id] = content;
    kinds[id] = special ? CONTROL : USER_DEFINED;
  }
  return {
    tokens: Array.from(tokens, (token, id) => token ?? `[PAD${id}]`),
    kinds: Array.from(kinds, (kind) => kind ?? NORMAL),
  };
}
