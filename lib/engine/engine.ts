/** The public class: one loaded model, any number of requests at a time. */
import { createHash } from "node:crypto";
import type { ChatTemplate } from "../chat/chat-template.js";
import type { ChatMessage } from "../chat/message.js";
import { MlcError } from "../errors.js";
import type { EvaluateOptions, NativeEngine, NativeEngineStats, NativeEvent } from "../ffi/native-engine.js";
import type { Manifest, ManifestLibrary } from "../package/manifest.js";
import type { MemoryPlan } from "../package/memory-plan.js";
import { requireGenerating } from "../package/model-kind.js";
import { removeMarks } from "../tokenizer/added-token-splitter.js";
import type { EncodeOptions, Tokenizer } from "../tokenizer/tokenizer.js";
import { Admission, DEFAULT_MAX_QUEUE } from "./admission.js";
import { ChatCompletions } from "./chat-completions.js";
import { Completions } from "./completions.js";
import type { EngineDevice } from "./device-choice.js";
import { type EmbeddingCounts, type EmbeddingModel, TextEmbedder } from "./embedding.js";
import type { EmbeddingCallOptions } from "./embedding-types.js";
import { Embeddings } from "./embeddings.js";
import { type EngineOptions, throwIfAborted } from "./engine-config.js";
import { loadEngineParts, loadWithFallback } from "./engine-load.js";
import { expectInteger } from "./expectation.js";
import type { Generation } from "./generation.js";
import { crashOf, type Isolation, restart, runtimeOf } from "./isolation-choice.js";
import { expectRegistry, type LogitProcessorRegistry } from "./logit-processor.js";
import type { NativeRuntime } from "./native-runtime.js";
import { prometheusText } from "./prometheus.js";
import { type Prompt, renderChat, requireTokenizer } from "./prompt.js";
import { type OutcomeCounts, RequestOutcomes } from "./request-outcomes.js";
import type { SpanTracer } from "./request-span.js";
import { type RerankParams, type RerankResponse, rerank } from "./rerank.js";
import { Responses } from "./responses.js";
import { Session, type SessionHost, type SessionOptions } from "./session.js";
import { type GenerateOptions, startGeneration, type TextModel } from "./text-generation.js";
import { DEFAULT_TRACE_LIMIT, type EngineTrace, traceEvents } from "./trace.js";

/** What turns texts into tokens and back. */
export interface ModelText {
  readonly tokenizer: Tokenizer | undefined;
  readonly chatTemplate: ChatTemplate | undefined;
}

/** What an engine consists of; `Engine.load` puts it together. */
export interface EngineParts {
  readonly manifest: Manifest;
  readonly library: ManifestLibrary;
  readonly device: EngineDevice;
  readonly plan: MemoryPlan;
  /** Requests that may wait behind a full batch. */
  readonly maxQueue?: number;
  /** Gets a span of each request. */
  readonly tracer?: SpanTracer | undefined;
  /** Makes the native engine, on its own thread; its events go to the callback. */
  readonly start: (onEvents: (events: readonly NativeEvent[]) => void) => Promise<NativeEngine>;
  /** Opens the tokenizer and the chat template, on this thread, meanwhile. */
  readonly openText: () => Promise<ModelText>;
}

/** Counters of an engine: the native ones and the requests of this class. */
export interface EngineStats extends NativeEngineStats, OutcomeCounts, EmbeddingCounts {
  /** Requests made and not ended yet. */
  readonly requests: number;
  /** Requests refused as the queue was full. */
  readonly refused: number;
}

/** How `tokenize` reads a text. */
export interface TokenizeOptions {
  /** The text is a rendered prompt: spellings of control tokens in it are those tokens, and none is added. Default false. */
  special?: boolean;
}

/** A loaded model. Dispose of it (`await using`, `dispose`) to give its memory back at once. */
export class Engine implements AsyncDisposable {
  /** OpenAI's chat API: `engine.chat.completions.create(...)`. */
  readonly chat: { readonly completions: ChatCompletions };
  /** OpenAI's text completion API. */
  readonly completions: Completions;
  /** OpenAI's Responses API, without a store. */
  readonly responses: Responses;
  /** OpenAI's embeddings: `engine.embeddings.create({ input })`. */
  readonly embeddings: Embeddings;
  /** What the package says of itself. */
  readonly manifest: Manifest;
  /** The library of the package that this engine runs: the best for this CPU unless another was asked for. */
  readonly library: ManifestLibrary;
  /** The device that it runs on, and why. */
  readonly device: EngineDevice;
  readonly #plan: MemoryPlan;
  readonly #text: ModelText;
  readonly #native: NativeEngine;
  readonly #running: Map<number, Generation>;
  readonly #admission: Admission;
  readonly #outcomes = new RequestOutcomes();
  readonly #tracer: SpanTracer | undefined;
  readonly #embedder: TextEmbedder;
  #logitProcessors: LogitProcessorRegistry | undefined;
  #lastId = 0;
  #disposing: Promise<void> | undefined;

  private constructor(
    parts: EngineParts,
    text: ModelText,
    native: NativeEngine,
    running: Map<number, Generation>,
  ) {
    this.#plan = parts.plan;
    this.#admission = new Admission(parts.plan.batch, parts.maxQueue ?? DEFAULT_MAX_QUEUE);
    this.#tracer = parts.tracer;
    this.#text = text;
    this.#native = native;
    this.#running = running;
    this.manifest = parts.manifest;
    this.library = parts.library;
    this.device = parts.device;
    const host = {
      generate: (prompt: Prompt, options: GenerateOptions) => this.generate(prompt, options),
      modelName: parts.manifest.model.name,
      fingerprint: fingerprint(parts.manifest),
      ...text,
    };
    this.chat = { completions: new ChatCompletions(host) };
    this.completions = new Completions(host);
    this.responses = new Responses(host);
    this.#embedder = new TextEmbedder(this.#embeddingModel());
    this.embeddings = new Embeddings(this.#embedder);
  }

  /**
   * Loads a compiled package from a folder.
   * Errors: those of ModelPackage.open, ERR_CPU_UNSUPPORTED, ERR_INSUFFICIENT_MEMORY with the numbers, ERR_INVALID_ARGUMENT,
   * ERR_ABORTED, ERR_NATIVE. `runtime` replaces the native side in tests.
   */
  static async load(folder: string, options: EngineOptions = {}, runtime?: NativeRuntime): Promise<Engine> {
    const engine = await loadWithFallback(options, async (fallback) => {
      const open = async (isolation: Isolation) => runtime ?? (await runtimeOf(isolation, options.onCrash));
      return Engine.fromParts(await loadEngineParts(folder, options, open, fallback), options.signal);
    });
    engine.#logitProcessors = options.logitProcessorRegistry;
    return engine;
  }

  /** An engine of parts that are already there: for tests and other loaders. */
  static async fromParts(parts: EngineParts, signal?: AbortSignal): Promise<Engine> {
    const running = new Map<number, Generation>();
    const starting = parts.start((events) => {
      for (const event of events) running.get(event.id)?.accept(event);
    });
    const [native, text] = await Promise.allSettled([starting, parts.openText()]);
    if (native.status === "fulfilled" && (text.status === "rejected" || signal?.aborted)) {
      await native.value.dispose();
    }
    if (text.status === "rejected") throw text.reason;
    if (native.status === "rejected") throw native.reason;
    throwIfAborted(signal, "Loading the model");
    return new Engine(parts, text.value, native.value, running);
  }

  /**
   * Starts generating from a text, a chat or token ids, at once. Iterate the result for chunks, or await its `result`.
   * Errors, thrown at once: ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED_FIELD, ERR_CHAT_TEMPLATE, ERR_CONTEXT_OVERFLOW, ERR_ABORTED,
   * ERR_DISPOSED.
   */
  generate(prompt: Prompt, options: GenerateOptions = {}): Generation {
    this.#checkAlive();
    requireGenerating(this.manifest);
    return startGeneration(this.#model(), prompt, options);
  }

  /** Starts a conversation that keeps its keys and values between turns. Errors: ERR_INVALID_ARGUMENT, ERR_DISPOSED. */
  session(options: SessionOptions = {}): Session {
    this.#checkAlive();
    requireGenerating(this.manifest);
    return Session.start(this.#sessionHost(), options);
  }

  /**
   * Restores a conversation that Session.save() has written with this very package.
   * Errors: ERR_IO, ERR_INVALID_SESSION, ERR_INSUFFICIENT_MEMORY, ERR_INVALID_ARGUMENT, ERR_DISPOSED.
   */
  async restoreSession(file: string, options: Omit<SessionOptions, "messages"> = {}): Promise<Session> {
    this.#checkAlive();
    return Session.restore(this.#sessionHost(), file, options);
  }

  /**
   * Documents in the order in which they fit a query, by a cross-encoder or the cosine of their embeddings, in the shape of Cohere, Jina and vLLM.
   * Errors: those of `embeddings.create`.
   */
  rerank(body: RerankParams, options: EmbeddingCallOptions = {}): Promise<RerankResponse> {
    return rerank(this.#embedder, body, options);
  }

  /**
   * Registers logit processors by name, as web-llm does: that under the model's name (`manifest.model.name`) sees the logits of
   * every request that names no other. Replaces the registry; undefined removes it. Requests that run keep theirs.
   */
  setLogitProcessorRegistry(registry: LogitProcessorRegistry | undefined): void {
    expectRegistry(registry);
    this.#logitProcessors = registry;
  }

  /**
   * Token ids of a text, as `generate` would read it: begun as the model expects a text to begin, everything in it ordinary
   * text. `special` reads a rendered prompt instead.
   */
  tokenize(text: string, options: TokenizeOptions & EncodeOptions = {}): number[] {
    const { special = false, addSpecial = !special, parseSpecial = special } = options;
    return requireTokenizer(this.#text.tokenizer).encode(text, { addSpecial, parseSpecial });
  }

  /** The text of token ids; `special` shows control tokens. Errors: ERR_INVALID_ARGUMENT for an id the model does not have. */
  detokenize(ids: Iterable<number>, options: { special?: boolean } = {}): string {
    const tokenizer = requireTokenizer(this.#text.tokenizer);
    const last = this.manifest.model.vocabSize - 1;
    const checked = Array.from(ids, (id) => expectInteger("a token id", id, 0, last));
    return tokenizer.decode(checked, { skipSpecial: !(options.special ?? false) });
  }

  /**
   * The prompt text of a chat. Tokenized with `special: true` it gives the tokens `generate` uses, unless a message spells
   * a control token: `generate` keeps such text ordinary, a plain string cannot.
   */
  applyChatTemplate(
    messages: readonly ChatMessage[],
    options: { addGenerationPrompt?: boolean; variables?: Readonly<Record<string, unknown>> } = {},
  ): string {
    return removeMarks(renderChat(this.#text, messages, options));
  }

  /**
   * Logits of token rows of one length, for numeric checks: float32 [rows, length, vocabulary], row-major.
   * Errors: ERR_INVALID_ARGUMENT, ERR_DISPOSED.
   */
  logits(rows: readonly ArrayLike<number>[], options: EvaluateOptions = {}): Promise<Float32Array> {
    this.#checkAlive();
    return this.#native.evaluate(
      rows.map((row) => Int32Array.from(row)),
      options,
    );
  }

  /** Natural-log probability of each token given those before it: one number less than tokens. */
  score(tokens: ArrayLike<number>): Promise<Float32Array> {
    this.#checkAlive();
    return this.#native.score(Int32Array.from(tokens));
  }

  /** The memory plan this engine was loaded with. */
  plan(): MemoryPlan {
    return this.#plan;
  }

  /** Counters since the load. */
  stats(): EngineStats {
    this.#checkAlive();
    return {
      ...this.#native.stats(),
      ...this.#outcomes.counts,
      ...this.#embedder.counts,
      requests: this.#running.size + this.#embedder.open,
      refused: this.#admission.refused,
    };
  }

  /** The counters in Prometheus' text format, labelled with the model's name; docs/observability.md lists them. */
  metrics(): string {
    return prometheusText([{ stats: this.stats(), labels: { model: this.manifest.model.name } }]);
  }

  /**
   * Records steps and requests from now on, the last `limit` of each (1 to 1,048,576; default 65,536); replaces a recording.
   * Errors: ERR_INVALID_ARGUMENT, ERR_DISPOSED.
   */
  startTrace(limit: number = DEFAULT_TRACE_LIMIT): void {
    this.#checkAlive();
    this.#native.startTrace(expectInteger("limit", limit, 1, 2 ** 20));
  }

  /** Ends the recording: an object to write as JSON and to open in Perfetto or chrome://tracing. */
  async stopTrace(): Promise<EngineTrace> {
    this.#checkAlive();
    return traceEvents(await this.#native.stopTrace());
  }

  /** Why the isolated native engine ended by itself (ERR_ENGINE_CRASHED), or why its restart failed; undefined while it runs, and without isolation. */
  get crash(): MlcError | undefined {
    return crashOf(this.#native);
  }

  /**
   * Loads the model again in a new worker thread or process, after a crash or to end one that hangs: what runs ends with ERR_ABORTED.
   * Sessions go on: their next turn is computed from its beginning. Errors: ERR_UNSUPPORTED_FIELD without isolation, ERR_DISPOSED, those
   * of the load.
   */
  async restart(): Promise<void> {
    this.#checkAlive();
    await restart(this.#native);
  }

  /** Ends every request with ERR_DISPOSED and gives the memory back. Idempotent. */
  dispose(): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  /** `dispose`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #model(): TextModel {
    return {
      manifest: this.manifest,
      contextLength: this.#plan.context,
      ...this.#text,
      native: this.#native,
      logitProcessors: this.#logitProcessors,
      running: this.#running,
      admission: this.#admission,
      outcomes: this.#outcomes,
      tracer: this.#tracer,
      nextId: () => ++this.#lastId,
    };
  }

  #embeddingModel(): EmbeddingModel {
    return {
      manifest: this.manifest,
      library: this.library,
      native: this.#native,
      tokenizer: this.#text.tokenizer,
      contextLength: this.#plan.context,
      admission: this.#admission,
      running: this.#running,
      nextId: () => ++this.#lastId,
      checkAlive: () => this.#checkAlive(),
    };
  }

  #sessionHost(): SessionHost {
    return {
      modelName: this.manifest.model.name,
      digest: contentDigest(this.manifest),
      native: this.#native,
      generate: (messages, options, onEnd) => {
        this.#checkAlive();
        return startGeneration(this.#model(), messages, options, onEnd);
      },
      nextId: () => ++this.#lastId,
      checkAlive: () => this.#checkAlive(),
    };
  }

  async #dispose(): Promise<void> {
    for (const generation of [...this.#running.values()]) generation.fail(disposedError());
    await this.#native.dispose();
  }

  #checkAlive(): void {
    if (this.#disposing !== undefined) throw disposedError();
  }
}

function disposedError(): MlcError {
  return new MlcError(
    "ERR_DISPOSED",
    "Expected an engine in use but it has been disposed: load the model again.",
  );
}

/** Names the package's content: the digests of all its files are in the manifest. */
function contentDigest(manifest: Manifest): string {
  return createHash("sha256").update(JSON.stringify(manifest.files)).digest("hex");
}

/** The content's name in OpenAI's responses. */
function fingerprint(manifest: Manifest): string {
  return `fp_${contentDigest(manifest).slice(0, 12)}`;
}
