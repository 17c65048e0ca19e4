// GGUF's "llama" tokenizers: SentencePiece BPE with a score per piece and bytes as fallback. A tokenizer.json has merges instead of
// scores; they are found as Hugging Face's own conversion finds them (transformers, convert_slow_tokenizer.py, generate_merges).
import type { GgufMetadata } from "./gguf-metadata.js";
import { type GgufVocabulary, TokenKind, vocabularyMap } from "./gguf-vocabulary.js";
import { malformed } from "./malformed-file.js";
import type { TokenizerParts } from "./tokenizer-parts.js";

const SPACE_MARK = "▁";
/** Longest piece looked at for merges: the work per piece is quadratic. */
const LONGEST_PIECE = 1024;

/** tokenizer.json's parts of a SentencePiece BPE. Errors: ERR_INVALID_MODEL. */
export function sentencePieceTokenizer(metadata: GgufMetadata, vocabulary: GgufVocabulary): TokenizerParts {
  const scores = metadata.numbers("tokenizer.ggml.scores", vocabulary.tokens.length);
  if (scores === undefined || scores.length !== vocabulary.tokens.length)
    throw malformed(
      `${metadata.where}, key tokenizer.ggml.scores`,
      `${vocabulary.tokens.length} scores`,
      scores?.length,
    );
  const prefixSpace = metadata.flag("tokenizer.ggml.add_space_prefix") ?? true;
  const markSpaces = { type: "Replace", pattern: { String: " " }, content: SPACE_MARK };
  const prepend = { type: "Prepend", prepend: SPACE_MARK };
  const strip = { type: "Strip", content: " ", start: 1, stop: 0 };
  return {
    normalizer: { type: "Sequence", normalizers: prefixSpace ? [prepend, markSpaces] : [markSpaces] },
    preTokenizer: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: SPACE_MARK }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...(prefixSpace ? [strip] : []),
      ],
    },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: vocabulary.tokens[vocabulary.special.unknown ?? 0],
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: vocabulary.kinds.includes(TokenKind.byte),
      ignore_merges: false,
      vocab: vocabularyMap(vocabulary),
      merges: mergesFromScores(vocabulary, scores),
    },
    addBos: true,
  };
}

interface Merge {
  readonly left: string;
  readonly right: string;
  readonly score: number;
}

/** Every way to put a piece together from two others, best score first; equal scores in the order of the ids. */
function mergesFromScores(vocabulary: GgufVocabulary, scores: readonly number[]): [string, string][] {
  const ids = new Map<string, number>();
  vocabulary.tokens.forEach((token, id) => {
    if (vocabulary.kinds[id] === TokenKind.normal) ids.set(token, id);
  });
  const merges: Merge[] = [];
  for (const [piece, id] of ids) {
    if (piece.length > LONGEST_PIECE) continue;
    const ways = splitsOf(piece, ids).map((split) => ({ ...split, score: scores[id] ?? 0 }));
    ways.sort((a, b) => rank(ids, a.left) - rank(ids, b.left) || rank(ids, a.right) - rank(ids, b.right));
    merges.push(...ways);
  }
  merges.sort((a, b) => b.score - a.score);
  return merges.map(({ left, right }) => [left, right]);
}

function rank(ids: ReadonlyMap<string, number>, piece: string): number {
  return ids.get(piece) ?? 0;
}

function splitsOf(piece: string, ids: ReadonlyMap<string, number>): Omit<Merge, "score">[] {
  const splits: Omit<Merge, "score">[] = [];
  let left = "";
  for (const character of piece) {
    left += character;
    const right = piece.slice(left.length);
    if (right !== "" && ids.has(left) && ids.has(right)) splits.push({ left, right });
  }
  return splits;
}
