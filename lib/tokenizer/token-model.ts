/** The middle of a tokenizer: words in, token ids out. One file each implements it: bpe-model.ts and library-model.ts. */

/** A vocabulary with the rule that finds its pieces in words. Immutable. */
export interface TokenModel {
  /** One more than the largest id. */
  readonly size: number;
  /** Stands for what the vocabulary cannot spell; absent where such text is left out. */
  readonly unknownId: number | undefined;
  /** The spelling of an id; undefined for one the vocabulary does not have. */
  pieceOf(id: number): string | undefined;
  /** The id of a spelling. */
  idOf(piece: string): number | undefined;
  /** Token ids of words that follow each other in one text; runs of the unknown token become one where the model says so. */
  encode(words: readonly string[]): number[];
  /** Pieces that contain `text`. Of those that merely begin with it one is enough: not all of them need come. */
  piecesWith(text: string): Iterable<string | undefined>;
}
