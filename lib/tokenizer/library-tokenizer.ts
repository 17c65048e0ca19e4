/** @huggingface/tokenizers, as far as it is used: normaliser, pre-tokenizer, post-processor, and models other than BPE. */
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { MlcError } from "../errors.js";
import type { TokenModel } from "./token-model.js";

/** The part of the library in use; its own declarations do not resolve under NodeNext. */
export interface LibraryTokenizer {
  normalizer: ((text: string) => string) | null;
  pre_tokenizer: ((text: string, options: { section_index: number }) => string[]) | null;
  post_processor:
    | ((
        tokens: string[],
        pair: string[] | null,
        addSpecialTokens: boolean,
      ) => { tokens: string[]; token_type_ids?: number[] })
    | null;
  model: ((words: readonly string[]) => string[]) & {
    vocab: (string | undefined)[];
    tokens_to_ids: Map<string, number>;
    unk_token_id?: number;
  };
}

/** Builds the library's tokenizer. Errors: ERR_UNSUPPORTED_FORMAT for a document it cannot interpret. */
export function buildLibraryTokenizer(
  document: Readonly<Record<string, unknown>>,
  config: Readonly<Record<string, unknown>>,
): LibraryTokenizer {
  try {
    // Checked by use: the library's own declarations are not resolvable, this interface is what it has at run time.
    return new HuggingFaceTokenizer(document, config) as unknown as LibraryTokenizer;
  } catch (cause) {
    throw new MlcError(
      "ERR_UNSUPPORTED_FORMAT",
      `Expected a tokenizer.json that can be interpreted but received one that cannot (${cause instanceof Error ? cause.message : cause}).`,
      { cause },
    );
  }
}

/** The library's own model: unigram, WordPiece and unusual kinds of BPE. */
export class LibraryModel implements TokenModel {
  readonly #model: LibraryTokenizer["model"];

  constructor(library: LibraryTokenizer) {
    this.#model = library.model;
  }

  get size(): number {
    return this.#model.vocab.length;
  }

  get unknownId(): number | undefined {
    return this.#model.unk_token_id;
  }

  pieceOf(id: number): string | undefined {
    return this.#model.vocab[id];
  }

  idOf(piece: string): number | undefined {
    return this.#model.tokens_to_ids.get(piece);
  }

  encode(words: readonly string[]): number[] {
    return this.#model(words).flatMap((piece) => this.idOf(piece) ?? this.unknownId ?? []);
  }

  piecesWith(text: string): Iterable<string | undefined> {
    return this.#model.vocab.filter((piece) => piece?.includes(text));
  }
}
