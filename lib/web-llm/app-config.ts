/** web-llm's configuration: which model id is which package. */
import { fileURLToPath } from "node:url";
import { expectText, shown, unexpected } from "../engine/expectation.js";
import { MlcError } from "../errors.js";

/** One model, as in web-llm's `model_list`. */
export interface ModelRecord {
  /** Folder of the compiled package, as a path or a file: URL. */
  readonly model: string;
  readonly model_id: string;
  /** Compiled code is in the package: a value is accepted and not read. */
  readonly model_lib?: string | undefined;
  readonly overrides?: ChatOptions | undefined;
  /** What a GPU would need: accepted and not read. `engine.plan()` of the library says what the CPU does. */
  readonly vram_required_MB?: number | undefined;
  readonly low_resource_required?: boolean | undefined;
  readonly buffer_size_required_bytes?: number | undefined;
  readonly required_features?: readonly string[] | undefined;
  /** web-llm's ModelType: 0 (texts) or 1 (embeddings), which every decoder gives here. */
  readonly model_type?: number | undefined;
}

/** The models that ids name. */
export interface AppConfig {
  readonly model_list: readonly ModelRecord[];
  /** Where web-llm keeps downloads: accepted and not read, nothing is downloaded. */
  readonly useIndexedDBCache?: boolean | undefined;
  readonly cacheBackend?: string | undefined;
}

/** web-llm's list of models that it downloads: empty, because packages are compiled (docs/web-llm.md). */
export const prebuiltAppConfig: AppConfig = { model_list: [] };

const RECORD_NAMES = [
  "model",
  "model_id",
  "model_lib",
  "overrides",
  "vram_required_MB",
  "low_resource_required",
  "buffer_size_required_bytes",
  "required_features",
  "model_type",
];
/** web-llm's ModelType of texts, and of embeddings. */
const TEXT_MODELS: readonly unknown[] = [undefined, 0, 1];

/** web-llm's options of a loaded model: its context, and defaults of its requests. */
export interface ChatOptions {
  readonly context_window_size?: number | undefined;
  readonly temperature?: number | undefined;
  readonly top_p?: number | undefined;
  readonly repetition_penalty?: number | undefined;
  readonly frequency_penalty?: number | undefined;
  readonly presence_penalty?: number | undefined;
}

const CHAT_OPTION_NAMES = [
  "context_window_size",
  "temperature",
  "top_p",
  "repetition_penalty",
  "frequency_penalty",
  "presence_penalty",
];

/** A model to load: its folder and its options. */
export interface ChosenModel {
  readonly id: string;
  readonly folder: string;
  readonly contextLength: number | undefined;
  /** Fields of every request that does not say otherwise. */
  readonly defaults: Readonly<Record<string, number>>;
}

/**
 * Finds a model by its id; without a configuration the id is the folder itself.
 * Errors: ERR_MODEL_NOT_FOUND, ERR_UNSUPPORTED_FIELD for an option that has no meaning here.
 */
export function chooseModel(id: string, config: AppConfig | undefined, own: ChatOptions = {}): ChosenModel {
  const record = config?.model_list.find(({ model_id: known }) => known === expectText("the model id", id));
  if (config !== undefined && record === undefined)
    throw new MlcError(
      "ERR_MODEL_NOT_FOUND",
      `Expected one of the models ${config.model_list.map(({ model_id: known }) => known).join(", ")} but received "${id}".`,
    );
  if (record !== undefined) checkRecord(record);
  const options = { ...checkOptions(record?.overrides), ...checkOptions(own) };
  const { context_window_size: contextLength, ...defaults } = options;
  const folder = record?.model ?? id;
  return {
    id,
    folder: folder.startsWith("file:") ? fileURLToPath(folder) : folder,
    contextLength,
    defaults,
  };
}

function checkRecord(record: ModelRecord): void {
  const unknown = Object.keys(record).find((name) => !RECORD_NAMES.includes(name));
  const field = unknown ?? (TEXT_MODELS.includes(record.model_type) ? undefined : "model_type");
  if (field === undefined) return;
  const why =
    field === "integrity"
      ? "a package has the digests of its own files (Engine.load with verify)"
      : "a model of texts has none";
  throw new MlcError(
    "ERR_UNSUPPORTED_FIELD",
    `Expected no ${field} in the record of ${record.model_id} but received ${shown(record[field as keyof ModelRecord])}: ${why}.`,
    { details: { field } },
  );
}

function checkOptions(options: ChatOptions = {}): Readonly<Record<string, number>> {
  const given: Record<string, number> = {};
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null) continue;
    if (!CHAT_OPTION_NAMES.includes(name))
      throw new MlcError(
        "ERR_UNSUPPORTED_FIELD",
        `Expected one of the chat options ${CHAT_OPTION_NAMES.join(", ")} but received "${name}": compile the package with it, or set it in the request.`,
        { details: { field: name } },
      );
    if (typeof value !== "number") throw unexpected(name, "a number", value);
    given[name] = value;
  }
  return given;
}
