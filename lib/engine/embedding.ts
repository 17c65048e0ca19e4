/** The line of embeddings: texts -> token ids -> pooled rows of the native engine -> vectors. */
import { MlcError } from "../errors.js";
import type { NativeEngine, NativePooling } from "../ffi/native-engine.js";
import type { Manifest, ManifestLibrary } from "../package/manifest.js";
import { modelKind } from "../package/model-kind.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import type { Admission } from "./admission.js";
import { resolveDeadlines, timeoutError } from "./deadline.js";
import { type EmbeddingText, readTexts, type TextReading } from "./embedding-input.js";
import type { EmbeddingCallOptions, EmbeddingSettings, EmbeddingTruncation } from "./embedding-types.js";
import { throwIfAborted } from "./engine-config.js";
import { expectBoolean, expectInteger, unexpected } from "./expectation.js";

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
   * Errors: ERR_INVALID_ARGUMENT, ERR_CONTEXT_OVERFLOW, ERR_UNSUPPORTED_FIELD for a package compiled before embeddings,
   * ERR_INSUFFICIENT_MEMORY, ERR_ENGINE_OVERLOADED, ERR_ABORTED, ERR_TIMEOUT, ERR_DISPOSED, ERR_NATIVE.
   */
  async embed(texts: readonly EmbeddingText[], options: EmbedOptions): Promise<EmbeddedTexts> {
    const model = this.#model;
    model.checkAlive();
    requireEncode(model.library);
    const { hiddenSize } = model.manifest.model;
    const pooling = expectPooling(options.pooling ?? defaultPooling(model.manifest));
    const normalize = expectBoolean("normalize", options.normalize ?? true);
    const dimensions = expectInteger("dimensions", options.dimensions ?? hiddenSize, 1, hiddenSize);
    const reading = this.#reading(options);
    const limits = limitsOf(options);
    limits.check();
    model.admission.admit(model.running.size + this.#open);
    this.#open++;
    try {
      const rows = await readTexts(texts, reading, limits.check);
      const flat = await this.#compute(rows, pooling, limits);
      const tokens = rows.reduce((sum, row) => sum + row.length, 0);
      this.#texts += rows.length;
      this.#tokens += tokens;
      const vectors = rows.map((_, index) =>
        finished(flat.subarray(index * hiddenSize, index * hiddenSize + dimensions), normalize),
      );
      return { vectors, tokens };
    } finally {
      this.#open--;
      model.admission.ended();
    }
  }

  #reading({ truncate }: EmbedOptions): TextReading {
    const { manifest, tokenizer, contextLength } = this.#model;
    return {
      tokenizer,
      vocabularySize: manifest.model.vocabSize,
      mostTokens: Math.min(contextLength, manifest.embedding?.maxTokens ?? contextLength),
      truncate: expectTruncation(truncate ?? "none"),
    };
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
