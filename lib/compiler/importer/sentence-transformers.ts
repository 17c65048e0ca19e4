// What sentence-transformers keeps beside a model's weights: modules.json, the pooling's config.json, sentence_bert_config.json and
// config_sentence_transformers.json, https://sbert.net/docs/sentence_transformer/usage/custom_models.html.
import type { EmbeddingDefaults, Pooling } from "./imported-model.js";
import { isJsonObject, type JsonObject } from "./json-file.js";
import { malformed, unsupported } from "./malformed-file.js";
import { type ModelFiles, openFolder } from "./model-files.js";

const MODULES = "modules.json";
const TEXTS = "sentence_bert_config.json";
const PROMPTS = "config_sentence_transformers.json";

/** Modules that change nothing here: the model itself, what only training has, and the length 1 that every vector gets. */
const PASSED = ["Transformer", "Dropout", "Normalize"];

/** Names of pooling modes, older ones with "pooling_mode_" before them. */
const POOLINGS: Readonly<Record<string, Pooling>> = {
  mean: "mean",
  mean_tokens: "mean",
  cls: "cls",
  cls_token: "cls",
  lasttoken: "last",
};

/**
 * How the folder's model embeds texts; undefined where sentence-transformers says nothing of it.
 * Errors: ERR_INVALID_MODEL, ERR_UNSUPPORTED_FORMAT for modules and poolings that are not computed.
 */
export function embeddingDefaults(files: ModelFiles): EmbeddingDefaults | undefined {
  const pooling = poolingOf(files);
  if (pooling === undefined) return undefined;
  return { pooling, ...textLimit(files), ...promptsOf(files) };
}

function poolingOf(files: ModelFiles): Pooling | undefined {
  const text = files.text(MODULES);
  if (text === undefined) return undefined;
  let pooling: Pooling | undefined;
  for (const { kind, folder } of modulesOf(text, files.file(MODULES))) {
    if (PASSED.includes(kind)) continue;
    if (kind !== "Pooling" || pooling !== undefined)
      throw unsupported(
        files.file(MODULES),
        "a model, one pooling and perhaps a normalisation",
        kind,
        "vectors that go through other modules are not computed",
      );
    pooling = readPooling(files, folder);
  }
  return pooling;
}

/** Class and folder of each module. */
function modulesOf(text: string, where: string): { kind: string; folder: string }[] {
  let modules: unknown;
  try {
    modules = JSON.parse(text);
  } catch (cause) {
    throw malformed(where, "JSON", cause instanceof Error ? cause.message : cause);
  }
  if (!Array.isArray(modules)) throw malformed(where, "a list of modules", modules);
  return modules.map((module: unknown) => {
    const { type, path: folder } = isJsonObject(module) ? module : {};
    // A folder beside the file: a path could lead anywhere.
    if (typeof type !== "string" || typeof folder !== "string" || !/^(?!\.\.?$)[\w.-]*$/.test(folder))
      throw malformed(where, "modules with a type and the name of a folder", module);
    return { kind: type.split(".").at(-1) ?? "", folder };
  });
}

function readPooling(files: ModelFiles, folder: string): Pooling {
  const place = openFolder(files.file(folder));
  const where = place.file("config.json");
  const config = place.json("config.json");
  if (config === undefined) throw malformed(files.file(MODULES), `${folder}/config.json`, undefined);
  if (config.include_prompt === false)
    throw unsupported(
      where,
      "a pooling over all tokens",
      { include_prompt: false },
      "prompts cannot be left out",
    );
  const modes = poolingModes(config);
  const [mode = ""] = modes;
  const pooling = Object.hasOwn(POOLINGS, mode) ? POOLINGS[mode] : undefined;
  if (modes.length === 1 && pooling !== undefined) return pooling;
  throw unsupported(where, "one pooling of mean, cls or lasttoken", modes, "other poolings are not computed");
}

/** `pooling_mode`, or the names of the flags that are set. */
function poolingModes(config: JsonObject): string[] {
  const { pooling_mode: mode } = config;
  if (typeof mode === "string") return [mode];
  if (Array.isArray(mode)) return mode.map(String);
  const prefix = "pooling_mode_";
  return Object.keys(config)
    .filter((key) => key.startsWith(prefix) && config[key] === true)
    .map((key) => key.slice(prefix.length));
}

function textLimit(files: ModelFiles): Pick<EmbeddingDefaults, "maxTokens"> {
  const { max_seq_length: most, do_lower_case: lower } = files.json(TEXTS) ?? {};
  if (lower === true)
    throw unsupported(
      files.file(TEXTS),
      "texts as they are",
      { do_lower_case: true },
      "lower case beside the tokenizer's own is not computed",
    );
  if (most == null) return {};
  if (typeof most !== "number" || !Number.isSafeInteger(most) || most < 1)
    throw malformed(files.file(TEXTS), "a max_seq_length of at least 1", most);
  return { maxTokens: most };
}

function promptsOf(files: ModelFiles): Pick<EmbeddingDefaults, "prompts" | "defaultPrompt"> {
  const { prompts, default_prompt_name: name } = files.json(PROMPTS) ?? {};
  if (prompts == null) return {};
  const where = files.file(PROMPTS);
  if (!isJsonObject(prompts)) throw malformed(where, "prompts by name", prompts);
  const texts = Object.entries(prompts).map(([key, text]): [string, string] => {
    if (typeof text !== "string") throw malformed(where, `a text as the prompt ${key}`, text);
    return [key, text];
  });
  if (name == null) return texts.length === 0 ? {} : { prompts: Object.fromEntries(texts) };
  if (!texts.some(([key]) => key === name))
    throw malformed(where, "the name of a prompt as default_prompt_name", name);
  return { prompts: Object.fromEntries(texts), defaultPrompt: String(name) };
}
