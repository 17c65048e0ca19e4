/**
 * Cuts text into words before BPE or unigram, exactly.
 *
 * SentencePiece vocabularies have no pre-tokenizer: the whole text is one "word", too long for the library's cache and
 * slow. Between two characters that are neighbours in no piece of the vocabulary, no piece can lie, so a cut there
 * changes nothing. Words begin at the word mark "▁" (a space), so only the characters found before a mark inside a
 * piece matter.
 */
const MARK = "▁";

/** Splits normalised text before each run of word marks where the vocabulary allows it. */
export class WordSplitter {
  /** The word mark: only pieces that contain it matter. */
  static readonly mark = MARK;
  /** Characters that stand directly before a mark inside some piece. */
  readonly #joined = new Set<string>();
  readonly #enabled: boolean;

  constructor(pieces: Iterable<string | undefined>) {
    let marks = 0;
    for (const piece of pieces) {
      if (piece === undefined) continue;
      for (let at = piece.indexOf(MARK); at >= 0; at = piece.indexOf(MARK, at + 1)) {
        marks++;
        const before = piece[at - 1];
        if (before !== undefined) this.#joined.add(before);
      }
    }
    this.#enabled = marks > 0;
  }

  /** The words of `text` in order; concatenated they are `text`. */
  split(text: string): string[] {
    if (!this.#enabled) return [text];
    const words: string[] = [];
    let from = 0;
    for (let at = text.indexOf(MARK, 1); at >= 0; at = text.indexOf(MARK, at + 1)) {
      if (this.#joined.has(text.charAt(at - 1))) continue;
      words.push(text.slice(from, at));
      from = at;
    }
    words.push(text.slice(from));
    return words;
  }
}
