/** web-llm's configuration: which model id is which package. */
import { fileURLToPath } from "node:url";
import { expectText, unexpected } from "../engine/expectation.js";
import { MlcError } from "../errors.js";

/** One model, as in web-llm's `model_list`. */
export interface ModelRecord {
  /** Folder of the compiled package, as a path or a file: URL. */
  readonly model: string;
  readonly model_id: string;
  /** Compiled code is in the package: a value is accepted and not read. */
  readonly model_lib?: string | undefined;
  readonly overrides?: ChatOptions | undefined;
}

/** The models that ids name. */
export interface AppConfig {
  readonly model_list: readonly ModelRecord[];
}

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
