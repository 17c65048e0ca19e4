/**
 * Byte-pair encoding over ids: the pair of lowest rank merges first, of equal ranks the leftmost (as Hugging Face's tokenizers does it).
 * Candidates lie in a binary heap, so a word of n characters costs n log n.
 */
import { MergeTable, type MergeTriples } from "./merge-table.js";
import { type PieceBytes, PieceTable } from "./piece-table.js";
import type { TokenModel } from "./token-model.js";

/** What `model` of tokenizer.json says besides its vocabulary and merges. */
export interface BpeOptions {
  /** Spelling of the token for text the vocabulary cannot spell. */
  readonly unknown: string | undefined;
  /** Runs of the unknown token are one token. */
  readonly fuseUnknown: boolean;
  /** Characters without a piece are spelled by their bytes' pieces, "<0x00>" to "<0xFF>". */
  readonly byteFallback: boolean;
  /** A word that is a piece is that piece, whatever the merges would make of it. */
  readonly ignoreMerges: boolean;
}

/** Vocabulary and merges in compact form. */
export interface BpeVocabulary extends PieceBytes {
  readonly merges: MergeTriples;
}

/** Positions in a word share a number with a rank: rank * POSITIONS + position, exact in a double. */
const POSITIONS = 2 ** 31;
const NONE = -1;

export class BpeModel implements TokenModel {
  readonly #pieces: PieceTable;
  readonly #merges: MergeTable;
  readonly #options: BpeOptions;
  readonly #byteIds: readonly (number | undefined)[];
  readonly unknownId: number | undefined;
  readonly #encoder = new TextEncoder();
  // The word being encoded, a linked list of symbols; the arrays grow to the longest word seen.
  #ids = new Int32Array(64);
  #characters = new Int32Array(64);
  #next = new Int32Array(64);
  #previous = new Int32Array(64);
  readonly #candidates = new CandidateHeap();

  /** `added`: tokens on top of the vocabulary, by id. */
  constructor(vocabulary: BpeVocabulary, added: ReadonlyMap<number, string>, options: BpeOptions) {
    this.#pieces = new PieceTable(vocabulary, added);
    this.#merges = new MergeTable(vocabulary.merges);
    this.#options = options;
    this.unknownId = options.unknown === undefined ? undefined : this.#pieces.idOf(options.unknown);
    this.#byteIds = options.byteFallback
      ? Array.from({ length: 256 }, (_, byte) => this.#pieces.idOf(byteSpelling(byte)))
      : [];
  }

  get size(): number {
    return this.#pieces.size;
  }

  pieceOf(id: number): string | undefined {
    return this.#pieces.pieceOf(id);
  }

  idOf(piece: string): number | undefined {
    return this.#pieces.idOf(piece);
  }

  piecesWith(text: string): Iterable<string> {
    return this.#pieces.piecesWith(text);
  }

  encode(words: readonly string[]): number[] {
    const ids: number[] = [];
    for (const word of words) {
      const whole = this.#options.ignoreMerges ? this.#pieces.idOf(word) : undefined;
      if (whole !== undefined) ids.push(whole);
      else this.#encodeWord(word, ids);
    }
    return this.#options.fuseUnknown ? fuse(ids, this.unknownId) : ids;
  }

  #encodeWord(word: string, ids: number[]): void {
    const count = this.#readCharacters(word);
    for (let at = 0; at + 1 < count; at++) this.#propose(at);
    for (let key = this.#candidates.pop(); key !== undefined; key = this.#candidates.pop()) {
      const rank = Math.floor(key / POSITIONS);
      const at = key - rank * POSITIONS;
      if (this.#rankAt(at) === rank) this.#merge(at, this.#merges.resultOf(rank));
    }
    for (let at = count === 0 ? NONE : 0; at !== NONE; at = this.#next[at] ?? NONE) {
      const id = this.#ids[at] ?? NONE;
      if (id >= 0) ids.push(id);
      else this.#spell(this.#characters[at] ?? 0, ids);
    }
  }

  /** Fills the list with the word's characters; returns how many there are. */
  #readCharacters(word: string): number {
    if (this.#ids.length < word.length) this.#grow(word.length * 2);
    let count = 0;
    for (let index = 0; index < word.length; count++) {
      const character = word.codePointAt(index) ?? 0;
      index += character > 0xffff ? 2 : 1;
      this.#characters[count] = character;
      this.#ids[count] = this.#pieces.idOfCharacter(character);
      this.#previous[count] = count - 1;
      this.#next[count] = count + 1;
    }
    if (count > 0) this.#next[count - 1] = NONE;
    return count;
  }

  #grow(length: number): void {
    this.#ids = new Int32Array(length);
    this.#characters = new Int32Array(length);
    this.#next = new Int32Array(length);
    this.#previous = new Int32Array(length);
  }

  /** Rank of the merge of the symbol at `at` with the next one; -1 where there is none. */
  #rankAt(at: number): number {
    const next = this.#next[at] ?? NONE;
    const left = this.#ids[at] ?? NONE;
    const right = next === NONE ? NONE : (this.#ids[next] ?? NONE);
    return left === NONE || right === NONE ? NONE : this.#merges.rankOf(left, right);
  }

  #propose(at: number): void {
    const rank = this.#rankAt(at);
    if (rank >= 0) this.#candidates.push(rank * POSITIONS + at);
  }

  #merge(at: number, result: number): void {
    const gone = this.#next[at] ?? NONE;
    const after = this.#next[gone] ?? NONE;
    this.#ids[at] = result;
    this.#ids[gone] = NONE; // Candidates that begin there are void.
    this.#next[gone] = NONE;
    this.#next[at] = after;
    if (after !== NONE) this.#previous[after] = at;
    const before = this.#previous[at] ?? NONE;
    if (before !== NONE) this.#propose(before);
    this.#propose(at);
  }

  /** A character without a piece: its bytes, or the unknown token. */
  #spell(character: number, ids: number[]): void {
    if (this.#options.byteFallback) {
      const bytes = Array.from(this.#encoder.encode(String.fromCodePoint(character)));
      const spelled = bytes.flatMap((byte) => this.#byteIds[byte] ?? []);
      if (spelled.length === bytes.length) {
        ids.push(...spelled);
        return;
      }
    }
    if (this.unknownId !== undefined) ids.push(this.unknownId);
  }
}

/** Smallest number first. */
class CandidateHeap {
  #keys = new Float64Array(64);
  #count = 0;

  push(key: number): void {
    if (this.#count === this.#keys.length) {
      const longer = new Float64Array(this.#count * 2);
      longer.set(this.#keys);
      this.#keys = longer;
    }
    let at = this.#count++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#keys[parent] ?? 0;
      if (above <= key) break;
      this.#keys[at] = above;
      at = parent;
    }
    this.#keys[at] = key;
  }

  pop(): number | undefined {
    if (this.#count === 0) return undefined;
    const smallest = this.#keys[0];
    const last = this.#keys[--this.#count] ?? 0;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= this.#count) break;
      if (child + 1 < this.#count && (this.#keys[child + 1] ?? 0) < (this.#keys[child] ?? 0)) child++;
      const below = this.#keys[child] ?? 0;
      if (below >= last) break;
      this.#keys[at] = below;
      at = child;
    }
    this.#keys[at] = last;
    return smallest;
  }
}

function fuse(ids: readonly number[], unknown: number | undefined): number[] {
  return ids.filter((id, index) => id !== unknown || ids[index - 1] !== unknown);
}

function byteSpelling(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}
