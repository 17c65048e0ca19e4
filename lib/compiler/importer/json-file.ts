import { MlcError } from "../../errors.js";
import { FileSource } from "./byte-source.js";
import { malformed } from "./malformed-file.js";

/** Longest text file read: tokenizer.json of the largest vocabularies has about 35 MB. */
const LONGEST_TEXT = 256 * 1024 * 1024;

/** A plain JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The text of a file. Errors: ERR_MODEL_NOT_FOUND, ERR_IO, ERR_INVALID_MODEL for one too long or not UTF-8. */
export function readText(path: string): string {
  const source = new FileSource(path);
  try {
    if (source.byteLength > LONGEST_TEXT)
      throw malformed(path, `at most ${LONGEST_TEXT} bytes of text`, source.byteLength);
    return new TextDecoder("utf-8", { fatal: true }).decode(source.view(0, source.byteLength));
  } catch (cause) {
    if (cause instanceof MlcError) throw cause;
    throw malformed(path, "UTF-8 text", cause instanceof Error ? cause.message : cause);
  } finally {
    source.close();
  }
}

/** Parses a JSON object. Errors: ERR_INVALID_MODEL. */
export function parseJsonObject(text: string, where: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed(where, "JSON", cause instanceof Error ? cause.message : cause);
  }
  if (!isJsonObject(value)) throw malformed(where, "a JSON object", value);
  return value;
}

/** Whether a value is a plain JSON object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
