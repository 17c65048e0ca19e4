/**
 * `model` of a tokenizer.json that is BPE: its options, and its vocabulary and merges in compact form.
 *
 * A document of 150 thousand pieces leaves some 50 MB of JavaScript strings and tables when it is parsed. A package therefore holds the
 * vocabulary in a file of its own (vocabulary-file.ts) and a tokenizer.json without it.
 */
import type { BpeOptions, BpeVocabulary } from "./bpe-model.js";

type JsonObject = Readonly<Record<string, unknown>>;

/** Options of a BPE model, or undefined for other models and for variants only the library knows. */
export function bpeOptions(model: JsonObject): BpeOptions | undefined {
  const suffixed = Boolean(model.end_of_word_suffix) || Boolean(model.continuing_subword_suffix);
  if (model.type !== "BPE" || suffixed) return undefined;
  return {
    unknown: typeof model.unk_token === "string" ? model.unk_token : undefined,
    fuseUnknown: model.fuse_unk === true,
    byteFallback: model.byte_fallback === true,
    ignoreMerges: model.ignore_merges === true,
  };
}

/**
 * Vocabulary and merges of a BPE model; undefined where they are not of the usual form (a merge of pieces that the vocabulary lacks,
 * ids that are none): the library then judges them. `added`: tokens that are pieces too, with their ids.
 */
export function bpeVocabulary(
  model: JsonObject,
  added: Iterable<readonly [id: number, piece: string]>,
): BpeVocabulary | undefined {
  const { vocab, merges } = model;
  if (typeof vocab !== "object" || vocab === null || Array.isArray(vocab) || !Array.isArray(merges))
    return undefined;
  const ids = new Map<string, number>(Object.entries(vocab));
  const largest = 4 * ids.size + 65536;
  for (const id of ids.values()) if (!Number.isInteger(id) || id < 0 || id > largest) return undefined;
  const pieces = pieceBytes(ids);
  for (const [id, piece] of added) ids.set(piece, id);
  const triples = mergeTriples(merges, ids);
  return triples === undefined ? undefined : { ...pieces, merges: triples };
}

/** The spellings in the order of their ids. */
function pieceBytes(ids: ReadonlyMap<string, number>): Pick<BpeVocabulary, "bytes" | "offsets"> {
  const spellings: string[] = [];
  for (const [piece, id] of ids) spellings[id] = piece;
  const offsets = new Uint32Array(spellings.length + 1);
  const encoded = Array.from(spellings, (piece) => Buffer.from(piece ?? ""));
  encoded.forEach((piece, id) => {
    offsets[id + 1] = (offsets[id] ?? 0) + piece.length;
  });
  return { bytes: Buffer.concat(encoded), offsets };
}

function mergeTriples(merges: readonly unknown[], ids: ReadonlyMap<string, number>): Int32Array | undefined {
  const triples = new Int32Array(merges.length * 3);
  for (const [rank, merge] of merges.entries()) {
    const [left, right]: unknown[] =
      typeof merge === "string" ? merge.split(" ", 2) : Array.isArray(merge) ? merge : [];
    if (typeof left !== "string" || typeof right !== "string") return undefined;
    const triple = [ids.get(left), ids.get(right), ids.get(left + right)];
    if (triple.includes(undefined)) return undefined;
    triples.set(triple as number[], rank * 3);
  }
  return triples;
}
