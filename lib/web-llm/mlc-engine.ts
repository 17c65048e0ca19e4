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
  ChatCompletionCreateParams,
  Completion,
  CompletionChunk,
  CompletionCreateParams,
} from "../engine/openai-types.js";
import { MlcError } from "../errors.js";
import { type AppConfig, type ChatOptions, chooseModel } from "./app-config.js";
import { LoadedModel } from "./loaded-model.js";

/** Settings of an engine. */
export interface MLCEngineConfig {
  /** Which ids are which packages; without it a model's id is its folder. */
  readonly appConfig?: AppConfig | undefined;
  readonly initProgressCallback?: InitProgressCallback | undefined;
  /** By model id. */
  readonly logitProcessorRegistry?: ReadonlyMap<string, LogitProcessor> | undefined;
  /** Accepted; nothing is logged. */
  readonly logLevel?: string | undefined;
}

/** Called while a model is loaded. */
export type InitProgressCallback = (report: InitProgressReport) => void;

const CONFIG_NAMES = ["appConfig", "initProgressCallback", "logitProcessorRegistry", "logLevel"];

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
    readonly completions: Create<ChatCompletionCreateParams, ChatCompletion, ChatCompletionChunk>;
  };
  readonly completions: Create<CompletionCreateParams, Completion, CompletionChunk>;
  readonly embeddings: Pick<Embeddings, "create">;
  readonly #config: MLCEngineConfig;
  readonly #load: typeof Engine.load;
  #appConfig: AppConfig | undefined;
  #onProgress: InitProgressCallback | undefined;
  #models = new Map<string, LoadedModel>();
  #loading: AbortController | undefined;

  /** `load` takes the place of Engine.load in tests. Errors: ERR_INVALID_ARGUMENT. */
  constructor(config: MLCEngineConfig = {}, load: typeof Engine.load = Engine.load) {
    expectKnownNames("the engine's configuration", config, CONFIG_NAMES);
    this.#config = config;
    this.#load = load;
    this.#appConfig = config.appConfig;
    this.#onProgress = config.initProgressCallback;
    const create = (body: ChatCompletionCreateParams) => this.#model(body.model).chat(body);
    this.chat = { completions: { create } as MLCEngine["chat"]["completions"] };
    const complete = (body: CompletionCreateParams) => this.#model(body.model).complete(body);
    this.completions = { create: complete } as MLCEngine["completions"];
    const embed = async (body: EmbeddingCreateParams) => this.#model(body.model).embed(body);
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
        models.set(id, new LoadedModel(id, engine, defaults));
        const processor = this.#config.logitProcessorRegistry?.get(id);
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

  /** Forgets the last message, and unless `keepStats` the statistics. Requests carry their conversation: nothing else is kept. */
  async resetChat(keepStats = false, modelId?: string): Promise<void> {
    this.#model(modelId).reset(keepStats);
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
