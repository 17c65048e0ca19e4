/** web-llm's `MLCEngine`, https://webllm.mlc.ai/docs/user/api_reference.html: one or several models, OpenAI's APIs on them. */
import type { EmbeddingCreateParams } from "../engine/embedding-types.js";
import type { Embeddings } from "../engine/embeddings.js";
import { Engine } from "../engine/engine.js";
import type { InitProgressReport } from "../engine/engine-config.js";
import { expectKnownNames, unexpected } from "../engine/expectation.js";
import type { LogitProcessor } from "../engine/logit-processor.js";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  Completion,
  CompletionChunk,
  CompletionCreateParams,
} from "../engine/openai-types.js";
import { MlcError } from "../errors.js";
import { type AppConfig, type ChatOptions, chooseModel } from "./app-config.js";
import { type ChatBody, LoadedModel } from "./loaded-model.js";
import { gpuQuery } from "./refused.js";

/** Settings of an engine. */
export interface MLCEngineConfig {
  /** Which ids are which packages; without it a model's id is its folder. */
  readonly appConfig?: AppConfig | undefined;
  readonly initProgressCallback?: InitProgressCallback | undefined;
  /** By model id. */
  readonly logitProcessorRegistry?: ReadonlyMap<string, LogitProcessor> | undefined;
  /** Accepted; nothing is logged. */
  readonly logLevel?: LogLevel | undefined;
}

/** web-llm's levels. */
export type LogLevel = "TRACE" | "DEBUG" | "INFO" | "WARN" | "ERROR" | "SILENT";

/** What of an engine a program uses, under web-llm's name. */
export type MLCEngineInterface = Pick<MLCEngine, keyof MLCEngine>;

/** Hears of the progress of loading. */
export type InitProgressCallback = (report: InitProgressReport) => void;

const CONFIG_NAMES = ["appConfig", "initProgressCallback", "logitProcessorRegistry", "logLevel"];

const LOG_LEVELS: readonly LogLevel[] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "SILENT"];

type Streamed<Body> = Body & { stream: true };
type Whole<Body> = Body & { stream?: false | null };

/** OpenAI's `create`, as web-llm has it: answers and chunks as AsyncIterable. */
interface Create<Body, Answer, Chunk> {
  create(body: Streamed<Body>): Promise<AsyncIterable<Chunk>>;
  create(body: Whole<Body>): Promise<Answer>;
  create(body: Body): Promise<Answer | AsyncIterable<Chunk>>;
}

/** Models by id, and what was said last. */
export class MLCEngine {
  readonly chat: {
    readonly completions: Create<ChatBody, ChatCompletion, ChatCompletionChunk>;
  };
  readonly completions: Create<CompletionCreateParams, Completion, CompletionChunk>;
  readonly embeddings: Pick<Embeddings, "create">;
  /** `chat.completions.create` by web-llm's other name. */
  readonly chatCompletion: MLCEngine["chat"]["completions"]["create"];
  /** `completions.create` by web-llm's other name. */
  readonly completion: MLCEngine["completions"]["create"];
  /** `embeddings.create` by web-llm's other name. */
  readonly embedding: MLCEngine["embeddings"]["create"];
  /** Refused: the engine computes on the CPU. Errors: ERR_UNSUPPORTED_FIELD. */
  readonly getMaxStorageBufferBindingSize = gpuQuery("getMaxStorageBufferBindingSize");
  /** Refused: the engine computes on the CPU. Errors: ERR_UNSUPPORTED_FIELD. */
  readonly getGPUVendor = gpuQuery("getGPUVendor");
  readonly #load: typeof Engine.load;
  #appConfig: AppConfig | undefined;
  #processors: ReadonlyMap<string, LogitProcessor> | undefined;
  #onProgress: InitProgressCallback | undefined;
  #models = new Map<string, LoadedModel>();
  #loading: AbortController | undefined;

  /** `load` takes the place of Engine.load in tests. Errors: ERR_INVALID_ARGUMENT. */
  constructor(config: MLCEngineConfig = {}, load: typeof Engine.load = Engine.load) {
    expectKnownNames("the engine's configuration", config, CONFIG_NAMES);
    this.#processors = config.logitProcessorRegistry;
    this.#load = load;
    this.#appConfig = config.appConfig;
    this.#onProgress = config.initProgressCallback;
    const create = (body: ChatBody) => this.#model(body.model).chat(body);
    this.chatCompletion = create as MLCEngine["chatCompletion"];
    this.chat = { completions: { create } as MLCEngine["chat"]["completions"] };
    const complete = (body: CompletionCreateParams) => this.#model(body.model).complete(body);
    this.completion = complete as MLCEngine["completion"];
    this.completions = { create: complete } as MLCEngine["completions"];
    const embed = async (body: EmbeddingCreateParams) => this.#model(body.model).embed(body);
    this.embedding = embed as MLCEngine["embedding"];
    this.embeddings = { create: embed } as MLCEngine["embeddings"];
  }

  /** Who is told while models are loaded from now on. */
  setInitProgressCallback(callback: InitProgressCallback | undefined): void {
    this.#onProgress = callback;
  }

  /** Who is told while models are loaded. */
  getInitProgressCallback(): InitProgressCallback | undefined {
    return this.#onProgress;
  }

  /** Which ids are which packages, from the next `reload` on. */
  setAppConfig(config: AppConfig): void {
    this.#appConfig = config;
  }

  /** Logit processors by model id, from the next `reload` on. */
  setLogitProcessorRegistry(registry: ReadonlyMap<string, LogitProcessor> | undefined): void {
    this.#processors = registry;
  }

  /** Accepted; nothing is logged. Errors: ERR_INVALID_ARGUMENT for a level that web-llm has not. */
  setLogLevel(level: LogLevel): void {
    if (!LOG_LEVELS.includes(level)) throw unexpected("logLevel", `one of ${LOG_LEVELS.join(", ")}`, level);
  }

  /**
   * Loads these models in place of those that are loaded. Another `reload` or `unload` meanwhile ends it with ERR_ABORTED.
   * Errors: ERR_MODEL_NOT_FOUND, ERR_INVALID_ARGUMENT, those of Engine.load; then no model is loaded.
   */
  async reload(
    modelId: string | readonly string[],
    chatOpts?: ChatOptions | readonly ChatOptions[],
  ): Promise<void> {
    const ids = typeof modelId === "string" ? [modelId] : modelId;
    const options = chatOpts === undefined ? [] : Array.isArray(chatOpts) ? chatOpts : [chatOpts];
    if (options.length > 0 && options.length !== ids.length)
      throw unexpected("chatOpts", `as many as models, ${ids.length}`, options.length);
    if (new Set(ids).size !== ids.length) throw unexpected("modelId", "different models", ids);
    const chosen = ids.map((id, index) => chooseModel(id, this.#appConfig, options[index]));
    this.#endLoading();
    const loading = new AbortController();
    this.#loading = loading;
    await this.#disposeModels();
    const models = new Map<string, LoadedModel>();
    try {
      for (const { id, folder, contextLength, defaults } of chosen) {
        const engine = await this.#load(folder, {
          contextLength,
          signal: loading.signal,
          initProgressCallback: this.#onProgress,
        });
        // In the map before anything can fail: it is disposed of then.
        const processor = this.#processors?.get(id);
        models.set(id, new LoadedModel(id, engine, defaults, processor));
        if (processor !== undefined)
          engine.setLogitProcessorRegistry(new Map([[engine.manifest.model.name, processor]]));
      }
      loading.signal.throwIfAborted();
    } catch (error) {
      await Promise.all([...models.values()].map((model) => model.dispose()));
      throw error;
    }
    this.#models = models;
  }

  /** Gives all memory back; what runs ends with ERR_DISPOSED. */
  async unload(): Promise<void> {
    this.#endLoading();
    await this.#disposeModels();
  }

  /** Ends all answers that are under way: streams end with the finish reason "abort", whole answers reject with ERR_ABORTED. */
  interruptGenerate(): void {
    for (const model of this.#models.values()) model.interrupt();
  }

  /**
   * Forgets the last message and the tokens of `forwardTokensAndSample`, and unless `keepStats` the statistics. Requests carry their
   * conversation: nothing else is kept. Without a model there is nothing to do, as in web-llm.
   */
  async resetChat(keepStats = false, modelId?: string): Promise<void> {
    if (this.#models.size > 0) this.#model(modelId).reset(keepStats);
  }

  /**
   * The token that follows all tokens given since the last `resetChat`, and these: drawn with the model's chat options, through its
   * logit processor. `isPrefill` changes nothing, the engine sees for itself what it has computed already.
   * Errors: ERR_INVALID_ARGUMENT, ERR_MODEL_NOT_FOUND, ERR_CONTEXT_OVERFLOW.
   */
  async forwardTokensAndSample(
    inputIds: readonly number[],
    _isPrefill: boolean,
    modelId?: string,
  ): Promise<number> {
    return await this.#model(modelId).forward(inputIds);
  }

  /** The text of the last answer. */
  async getMessage(modelId?: string): Promise<string> {
    return this.#model(modelId).message;
  }

  /** Speeds of the last answer, as web-llm writes them. */
  async runtimeStatsText(modelId?: string): Promise<string> {
    return this.#model(modelId).statsText();
  }

  #endLoading(): void {
    this.#loading?.abort(new MlcError("ERR_ABORTED", "The loading was ended by another reload or unload."));
  }

  async #disposeModels(): Promise<void> {
    const models = this.#models;
    this.#models = new Map();
    await Promise.all([...models.values()].map((model) => model.dispose()));
  }

  /** The model of an id; of none the only one. Errors: ERR_MODEL_NOT_FOUND. */
  #model(id: string | null | undefined): LoadedModel {
    const [only] = this.#models.values();
    const model = id == null ? (this.#models.size === 1 ? only : undefined) : this.#models.get(id);
    if (model !== undefined) return model;
    const loaded = [...this.#models.keys()].join(", ") || "none";
    throw new MlcError(
      "ERR_MODEL_NOT_FOUND",
      `Expected the id of a loaded model (${loaded}) but received ${id == null ? "none" : `"${id}"`}: call reload() first, or name the model.`,
    );
  }
}

/** An engine with these models loaded. Errors: as MLCEngine.reload. */
export async function CreateMLCEngine(
  modelId: string | readonly string[],
  engineConfig?: MLCEngineConfig,
  chatOpts?: ChatOptions | readonly ChatOptions[],
): Promise<MLCEngine> {
  const engine = new MLCEngine(engineConfig);
  await engine.reload(modelId, chatOpts);
  return engine;
}
