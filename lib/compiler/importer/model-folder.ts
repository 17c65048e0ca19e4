// A Hugging Face folder: config.json, safetensors weights, tokenizer files, chat template, licence.
import path from "node:path";
import { MlcError } from "../../errors.js";
import { withModelPrefix } from "./bare-tensor-names.js";
import type { OpenBytes } from "./byte-source.js";
import { readFolderTokenizer } from "./folder-tokenizer.js";
import { generationDefaults, withGenerationTokens } from "./generation-config.js";
import { parseHfConfig } from "./hf-config.js";
import type { ImportedModel, ModelSource } from "./imported-model.js";
import { shown, unsupported } from "./malformed-file.js";
import { type ModelFiles, openFolder } from "./model-files.js";
import { openSafetensors, openShardedSafetensors, type TensorFiles } from "./safetensors.js";
import { embeddingDefaults } from "./sentence-transformers.js";

const WEIGHTS = "model.safetensors";
const WEIGHTS_INDEX = "model.safetensors.index.json";

/**
 * Imports a Hugging Face folder.
 * Errors: ERR_MODEL_NOT_FOUND, ERR_IO, ERR_INVALID_MODEL, ERR_UNSUPPORTED_FORMAT (PyTorch weights, already quantised weights),
 * ERR_MISSING_TENSOR (a shard without a tensor of the index).
 */
export function importFolder(folder: string, open: OpenBytes): ImportedModel {
  const files = openFolder(folder);
  const rawConfig = files.json("config.json");
  if (rawConfig === undefined) throw noConfig(files);
  if (rawConfig.quantization_config != null)
    throw unsupported(
      files.file("config.json"),
      "float weights",
      rawConfig.quantization_config,
      "weights already quantised (GPTQ, AWQ, bitsandbytes, FP8) are not imported; use the original float model or a GGUF file",
    );
  const generationConfig = files.json("generation_config.json");
  const config = withGenerationTokens(parseHfConfig(rawConfig, files.file("config.json")), generationConfig);
  const tokenizer = readFolderTokenizer(files);
  const generation = generationDefaults(generationConfig);
  const embedding = embeddingDefaults(files);
  const source = describeSource(files);
  const weights = openWeights(files, open);
  return {
    config,
    ...withModelPrefix(weights),
    ...tokenizer,
    generation,
    ...(embedding === undefined ? {} : { embedding }),
    source,
  };
}

function noConfig({ path: folder, names }: ModelFiles): MlcError {
  const gguf = names.find((name) => name.endsWith(".gguf"));
  const advice = gguf === undefined ? "" : ` To compile the GGUF file, name it: ${path.join(folder, gguf)}.`;
  return new MlcError(
    "ERR_MODEL_NOT_FOUND",
    `Expected a config.json in the model folder ${folder} but there is none.${advice}`,
    {
      details: { path: folder },
    },
  );
}

function openWeights(files: ModelFiles, open: OpenBytes): TensorFiles {
  if (files.has(WEIGHTS)) return openSafetensors(files.file(WEIGHTS), open);
  if (files.has(WEIGHTS_INDEX)) return openShardedSafetensors(files.file(WEIGHTS_INDEX), open);
  const pickled = files.names.find((name) => /\.(bin|pt|pth|ckpt)$/.test(name));
  if (pickled !== undefined)
    throw unsupported(
      files.path,
      "safetensors weights",
      pickled,
      "PyTorch pickles can run code and are not read; save the model as safetensors first",
    );
  throw new MlcError(
    "ERR_MODEL_NOT_FOUND",
    `Expected ${WEIGHTS} or ${WEIGHTS_INDEX} in ${files.path} but received ${shown(files.names)}.`,
    { details: { path: files.path } },
  );
}

/** Name and revision; a folder of the Hugging Face cache tells both (models--owner--name/snapshots/revision). */
function describeSource(files: ModelFiles): ModelSource {
  const absolute = path.resolve(files.path);
  const cached = /models--([^/\\]+?)--([^/\\]+)[/\\]snapshots[/\\]([0-9a-f]{7,64})$/.exec(absolute);
  const [, owner, model, revision] = cached ?? [];
  const license = modelCardLicense(files.has("README.md") ? readCard(files) : "");
  const licenseFiles = files.names
    .filter((name) => /^(licen[cs]e|notice|copying|use_policy)([._-].*)?$/i.test(name))
    .sort()
    .map((name) => path.join(absolute, name));
  return {
    kind: "huggingface",
    path: absolute,
    name: model === undefined ? path.basename(absolute) : `${owner}/${model}`,
    ...(revision === undefined ? {} : { revision }),
    ...(license === undefined ? {} : { license }),
    licenseFiles,
  };
}

/** A model card with bytes that are no text must not fail the import. */
function readCard(files: ModelFiles): string {
  try {
    return files.text("README.md") ?? "";
  } catch {
    return "";
  }
}

/** `license:` of the YAML front matter of a model card. */
function modelCardLicense(card: string): string | undefined {
  const [, frontMatter] = /^---\r?\n([\s\S]{0,100000}?)\r?\n---/.exec(card) ?? [];
  return /^license:[ \t]*["']?([\w.+-]{1,64})/m.exec(frontMatter ?? "")?.[1];
}
