/** What a post-processor puts around two texts that a model reads together, and which kind each token is of. */
import type { LibraryTokenizer } from "./library-tokenizer.js";

/** A control token and its kind (token type id). */
export interface PairToken {
  readonly id: number;
  readonly type: number;
}

/** The tokens before, between and behind two texts, and the kinds of the texts' own tokens. */
export interface PairTemplate {
  readonly before: readonly PairToken[];
  readonly between: readonly PairToken[];
  readonly after: readonly PairToken[];
  readonly types: readonly [number, number];
}

/** The template of a post-processor, found by what it makes of two tokens; undefined where it does not keep both, or is absent. */
export function pairTemplate(
  processor: LibraryTokenizer["post_processor"],
  idOf: (piece: string) => number | undefined,
): PairTemplate | undefined {
  const [first, second] = ["a text", "another text"];
  const { tokens = [], token_type_ids: types = [] } = processor?.([first], [second], true) ?? {};
  const [at, behind] = [tokens.indexOf(first), tokens.indexOf(second)];
  if (at < 0 || behind < at) return undefined;
  const part = (from: number, to: number) =>
    tokens.slice(from, to).flatMap((piece, i) => {
      const id = idOf(piece);
      return id === undefined ? [] : [{ id, type: types[from + i] ?? 0 }];
    });
  return {
    before: part(0, at),
    between: part(at + 1, behind),
    after: part(behind + 1, tokens.length),
    types: [types[at] ?? 0, types[behind] ?? 0],
  };
}
