/** A cross-encoder's line: query and document -> the ids of a pair -> logits of the native engine -> one number. */
import { MlcError } from "../errors.js";
import type { Manifest } from "../package/manifest.js";
import type { PairTemplate, PairToken } from "../tokenizer/pair-template.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import type { EmbeddingTruncation } from "./embedding-types.js";
import { unexpected } from "./expectation.js";
import { requireTokenizer } from "./prompt.js";

/** What a package says of its head. */
export type Ranking = NonNullable<Manifest["ranking"]>;

/** How pairs are read. */
export interface PairReading {
  readonly tokenizer: Tokenizer | undefined;
  readonly vocabularySize: number;
  /** Most tokens of a pair. */
  readonly mostTokens: number;
  /** Where a document loses what does not fit. */
  readonly truncate: EmbeddingTruncation;
}

/**
 * Puts documents behind one query as the tokenizer joins two texts, `[CLS] query [SEP] document [SEP]` of BERT. The query is read once and never cut.
 */
export class PairReader {
  readonly #reading: PairReading;
  readonly #ranking: Ranking;
  readonly #tokenizer: Tokenizer;
  readonly #template: PairTemplate;
  readonly #query: readonly number[];

  /** Errors: ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED_FIELD for a tokenizer that joins no texts. */
  constructor(query: string, ranking: Ranking, reading: PairReading) {
    this.#reading = reading;
    this.#ranking = ranking;
    this.#tokenizer = requireTokenizer(reading.tokenizer);
    this.#template = requireTemplate(this.#tokenizer);
    this.#query = this.#textIds("query", query);
  }

  /**
   * The ids of a pair, `type * vocabulary + id`. Errors: ERR_INVALID_ARGUMENT, ERR_CONTEXT_OVERFLOW.
   */
  read({ name, content }: { readonly name: string; readonly content: string }): Int32Array {
    const { before, between, after, types } = this.#template;
    const taken = before.length + this.#query.length + between.length + after.length;
    const document = this.#fitted(name, this.#textIds(name, content), taken);
    const ofType = (ids: readonly number[], type: number) => ids.map((id) => this.#typed({ id, type }));
    const special = (tokens: readonly PairToken[]) => tokens.map((token) => this.#typed(token));
    return Int32Array.from([
      ...special(before),
      ...ofType(this.#query, types[0]),
      ...special(between),
      ...ofType(document, types[1]),
      ...special(after),
    ]);
  }

  /** A model with a single kind of tokens ignores the tokenizer's. */
  #typed({ id, type }: PairToken): number {
    const { tokenTypes } = this.#ranking;
    return tokenTypes === 1 ? id : type * this.#reading.vocabularySize + id;
  }

  #textIds(name: string, text: string): readonly number[] {
    const ids = this.#tokenizer.encode(text, { addSpecial: false });
    if (ids.length === 0) throw unexpected(name, "a text of at least one token", text);
    return ids;
  }

  #fitted(name: string, ids: readonly number[], taken: number): readonly number[] {
    const { mostTokens: most, truncate } = this.#reading;
    const room = most - taken;
    if (ids.length <= room) return ids;
    if (room >= 1 && truncate === "end") return ids.slice(0, room);
    if (room >= 1 && truncate === "start") return ids.slice(-room);
    const tokens = taken + ids.length;
    throw new MlcError(
      "ERR_CONTEXT_OVERFLOW",
      room >= 1
        ? `Expected at most ${most} tokens for the query with ${name} but received ${tokens}: shorten the document, or have it cut with truncate ("start" or "end").`
        : `Expected a query that leaves room for a document in ${most} tokens but received one of ${this.#query.length}: shorten the query.`,
      { details: { name: room >= 1 ? name : "query", tokens, most } },
    );
  }
}

/** One number for the logits of a document; more is better. */
export function relevanceScore({ score }: Pick<Ranking, "score">, logits: Float32Array): number {
  const [first = Number.NaN, second = Number.NaN] = logits;
  if (score === "logit") return first;
  // The softmax of two is the sigmoid of their difference.
  const x = score === "softmax" ? second - first : first;
  return 1 / (1 + Math.exp(-x));
}

function requireTemplate(tokenizer: Tokenizer): PairTemplate {
  const { pairTemplate } = tokenizer;
  if (pairTemplate !== undefined) return pairTemplate;
  throw new MlcError(
    "ERR_UNSUPPORTED_FIELD",
    "Expected a tokenizer that joins two texts (post_processor of tokenizer.json) but received one without: compile the model with its own tokenizer files.",
  );
}
