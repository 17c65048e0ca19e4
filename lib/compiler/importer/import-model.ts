// The first stage of the compile line: a source on disk becomes an ImportedModel.
import { statSync } from "node:fs";
import { MlcError } from "../../errors.js";
import { type OpenBytes, openFailure } from "./byte-source.js";
import { importGguf } from "./gguf-model.js";
import type { ImportedModel } from "./imported-model.js";
import { importFolder } from "./model-folder.js";

/**
 * Imports a model: a Hugging Face folder or a `.gguf` file (the first part of a split one). Weights stay in their files until read.
 * Errors: ERR_MODEL_NOT_FOUND, ERR_IO, ERR_INVALID_MODEL for damaged files, ERR_UNSUPPORTED_FORMAT, ERR_UNSUPPORTED_ARCHITECTURE,
 * ERR_MISSING_TENSOR.
 */
export async function importModel(source: string, open?: OpenBytes): Promise<ImportedModel> {
  if (/^hf:/i.test(source))
    throw new MlcError(
      "ERR_UNSUPPORTED_FORMAT",
      `Expected a model folder or a .gguf file but received ${JSON.stringify(source)}: downloading from Hugging Face is not available yet, fetch the model and name its folder.`,
    );
  const openBytes = open ?? (await import("./mapped-file.js")).openMapped;
  try {
    if (isFolder(source)) return importFolder(source, openBytes);
    if (/\.gguf$/i.test(source)) return importGguf(source, openBytes);
  } catch (error) {
    if (error instanceof MlcError) throw error;
    throw new MlcError(
      "ERR_INVALID_MODEL",
      `Expected a model that can be read at ${source} but received: ${error instanceof Error ? error.message : error}.`,
      { cause: error },
    );
  }
  throw new MlcError(
    "ERR_UNSUPPORTED_FORMAT",
    `Expected a model folder or a .gguf file but received ${source}. Of a safetensors model, name the folder that has its config.json.`,
  );
}

function isFolder(source: string): boolean {
  try {
    return statSync(source).isDirectory();
  } catch (cause) {
    throw openFailure(source, cause);
  }
}
