/** The line of embeddings: texts -> token ids -> pooled rows of the native engine -> vectors. */
import { MlcError } from "../errors.js";
import type { NativeEngine, NativePooling } from "../ffi/native-engine.js";
import type { Manifest, ManifestLibrary } from "../package/manifest.js";
import { modelKind, requireEmbedding } from "../package/model-kind.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import type { Admission } from "./admission.js";
import { resolveDeadlines, timeoutError } from "./deadline.js";
import { type EmbeddingText, inSlices, type TextReading, textIds } from "./embedding-input.js";
import type { EmbeddingCallOptions, EmbeddingSettings, EmbeddingTruncation } from "./embedding-types.js";
import { throwIfAborted } from "./engine-config.js";
import { expectBoolean, expectInteger, unexpected } from "./expectation.js";
import { PairReader, type Ranking, relevanceScore } from "./pair-scores.js";

/** The model as embeddings see it. */
export interface EmbeddingModel {
  readonly manifest: Manifest;
  readonly library: ManifestLibrary;
  readonly native: NativeEngine;
  readonly tokenizer: Tokenizer | undefined;
  /** Most tokens of a text. */
  readonly contextLength: number;
  readonly admission: Admission;
  /** Generations that run: they share the queue. */
  readonly running: { readonly size: number };
  nextId(): number;
  /** ERR_DISPOSED. */
  checkAlive(): void;
}

/** Settings of a call; the prompt belongs to each text. */
export type EmbedOptions = Omit<EmbeddingSettings, "prompt" | "prompt_name"> & EmbeddingCallOptions;

/** Vectors in the order of the texts. */
export interface EmbeddedTexts {
  readonly vectors: readonly Float32Array[];
  /** Tokens of all texts. */
  readonly tokens: number;
}

/** Scores in the order of the documents. */
export interface ScoredTexts {
  readonly scores: readonly number[];
  /** Tokens of all pairs. */
  readonly tokens: number;
}

/** What has been embedded since the load. */
export interface EmbeddingCounts {
  readonly embeddedTexts: number;
  readonly embeddedTokens: number;
}

/** Turns texts into vectors; texts of one call are computed together, those of several calls too. */
export class TextEmbedder {
  readonly #model: EmbeddingModel;
  #open = 0;
  #texts = 0;
  #tokens = 0;

  constructor(model: EmbeddingModel) {
    this.#model = model;
  }

  get manifest(): Manifest {
    return this.#model.manifest;
  }

  /** Calls that have not ended. */
  get open(): number {
    return this.#open;
  }

  get counts(): EmbeddingCounts {
    return { embeddedTexts: this.#texts, embeddedTokens: this.#tokens };
  }

  /**
   * Embeds texts.
   * Errors: ERR_INVALID_ARGUMENT, ERR_CONTEXT_OVERFLOW, ERR_UNSUPPORTED_FIELD for a cross-encoder or a package compiled before
   * embeddings, ERR_INSUFFICIENT_MEMORY, ERR_ENGINE_OVERLOADED, ERR_ABORTED, ERR_TIMEOUT, ERR_DISPOSED, ERR_NATIVE.
   */
  async embed(texts: readonly EmbeddingText[], options: EmbedOptions): Promise<EmbeddedTexts> {
    const { manifest } = this.#model;
    this.#model.checkAlive();
    requireEmbedding(manifest);
    requireEncode(this.#model.library);
    const { hiddenSize } = manifest.model;
    const pooling = expectPooling(options.pooling ?? defaultPooling(manifest));
    const normalize = expectBoolean("normalize", options.normalize ?? true);
    const dimensions = expectInteger("dimensions", options.dimensions ?? hiddenSize, 1, hiddenSize);
    const reading = this.#reading(options, "none");
    const read = (pause: () => void) => inSlices(texts, (text) => textIds(text, reading), pause);
    const { vectors, tokens } = await this.#run(read, pooling, hiddenSize, options);
    return { vectors: vectors.map((vector) => finished(vector.subarray(0, dimensions), normalize)), tokens };
  }

  /** The scores of documents for a query, by a cross-encoder's head. Errors: those of `embed`. */
  async score(
    query: string,
    documents: readonly { readonly name: string; readonly content: string }[],
    ranking: Ranking,
    options: EmbedOptions,
  ): Promise<ScoredTexts> {
    this.#model.checkAlive();
    const pairs = new PairReader(query, ranking, this.#reading(options, "end"));
    const read = (pause: () => void) => inSlices(documents, (document) => pairs.read(document), pause);
    const { vectors, tokens } = await this.#run(read, "cls", ranking.labels, options);
    return { scores: vectors.map((logits) => relevanceScore(ranking, logits)), tokens };
  }

  #reading({ truncate }: EmbedOptions, otherwise: EmbeddingTruncation): TextReading {
    const { manifest, tokenizer, contextLength } = this.#model;
    return {
      tokenizer,
      vocabularySize: manifest.model.vocabSize,
      mostTokens: Math.min(contextLength, manifest.embedding?.maxTokens ?? contextLength),
      truncate: expectTruncation(truncate ?? otherwise),
    };
  }

  /** What the native engine gives for texts, `columns` numbers each; `read` is called once the call has its place. */
  async #run(
    read: (pause: () => void) => Promise<Int32Array[]>,
    pooling: NativePooling,
    columns: number,
    options: EmbedOptions,
  ): Promise<EmbeddedTexts> {
    const model = this.#model;
    const limits = limitsOf(options);
    limits.check();
    model.admission.admit(model.running.size + this.#open);
    this.#open++;
    try {
      const rows = await read(limits.check);
      const flat = await this.#compute(rows, pooling, limits);
      const tokens = rows.reduce((sum, row) => sum + row.length, 0);
      this.#texts += rows.length;
      this.#tokens += tokens;
      const vectors = rows.map((_, index) => flat.subarray(index * columns, (index + 1) * columns));
      return { vectors, tokens };
    } finally {
      this.#open--;
      model.admission.ended();
    }
  }

  async #compute(rows: Int32Array[], pooling: NativePooling, limits: CallLimits): Promise<Float32Array> {
    const model = this.#model;
    const { native } = model;
    model.checkAlive();
    limits.check();
    const id = model.nextId();
    const cancel = (): void => {
      if (!native.disposed) native.abort(id);
    };
    const computing = native.embed(id, rows, pooling);
    limits.signal?.addEventListener("abort", cancel, { once: true });
    try {
      return await computing;
    } catch (error) {
      model.checkAlive();
      limits.check();
      throw error;
    } finally {
      limits.signal?.removeEventListener("abort", cancel);
    }
  }
}

/** What may end a call before it is done. */
interface CallLimits {
  readonly signal: AbortSignal | undefined;
  /** ERR_ABORTED or ERR_TIMEOUT where the call is to end. */
  check(): void;
}

function limitsOf({ signal, timeout_ms: asked }: EmbedOptions): CallLimits {
  const { timeoutMs } = resolveDeadlines({ timeoutMs: asked ?? undefined });
  const clock = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const signals = [signal, clock].filter((one) => one !== undefined);
  return {
    signal: signals.length === 0 ? undefined : AbortSignal.any(signals),
    check() {
      throwIfAborted(signal, "The embedding");
      if (timeoutMs !== undefined && clock?.aborted)
        throw timeoutError("timeoutMs", timeoutMs, "the embedding");
    },
  };
}

/** Errors: ERR_UNSUPPORTED_FIELD. */
function requireEncode({ name, functions }: ManifestLibrary): void {
  if (functions.some((entry) => entry.name === "encode")) return;
  throw new MlcError(
    "ERR_UNSUPPORTED_FIELD",
    `Expected a package with the function "encode" for embeddings but the library ${name} was compiled without: compile the model again.`,
    { details: { library: name } },
  );
}

/** The package's own, else what suits: the last token alone has seen all of a decoder's text; sentence-transformers takes a mean. */
function defaultPooling(manifest: Manifest): NativePooling {
  return manifest.embedding?.pooling ?? (modelKind(manifest) === "encoder" ? "mean" : "last");
}

function expectPooling(value: unknown): NativePooling {
  if (value === "mean" || value === "cls" || value === "last") return value;
  throw unexpected("pooling", '"mean", "cls" or "last"', value);
}

function expectTruncation(value: unknown): EmbeddingTruncation {
  if (value === "none" || value === "start" || value === "end") return value;
  throw unexpected("truncate", '"none", "start" or "end"', value);
}

/** A copy, so that a vector kept does not keep those of the whole call. */
function finished(vector: Float32Array, normalize: boolean): Float32Array {
  const length = normalize ? Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0)) : 1;
  return length === 0 ? vector.slice() : vector.map((value) => value / length);
}
