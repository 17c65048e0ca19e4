// The files of a model folder, listed once.
import { readdirSync } from "node:fs";
import path from "node:path";
import { openFailure } from "./byte-source.js";
import { type JsonObject, parseJsonObject, readText } from "./json-file.js";

export interface ModelFiles {
  readonly path: string;
  /** Names of everything in the folder. */
  readonly names: readonly string[];
  has(name: string): boolean;
  /** Path of a file, whether it exists or not. */
  file(name: string): string;
  /** Text of a file, or undefined where it is absent. */
  text(name: string): string | undefined;
  /** Parsed JSON object of a file, or undefined where it is absent. */
  json(name: string): JsonObject | undefined;
}

/** Lists a folder. Errors: ERR_MODEL_NOT_FOUND, ERR_IO; of `text` and `json` also ERR_INVALID_MODEL. */
export function openFolder(folder: string): ModelFiles {
  const names = listFolder(folder);
  const has = (name: string) => names.includes(name);
  const file = (name: string) => path.join(folder, name);
  const text = (name: string) => (has(name) ? readText(file(name)) : undefined);
  const json = (name: string) => {
    const content = text(name);
    return content === undefined ? undefined : parseJsonObject(content, file(name));
  };
  return { path: folder, names, has, file, text, json };
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw openFailure(folder, cause);
  }
}
