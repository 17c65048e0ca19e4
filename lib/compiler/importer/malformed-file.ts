import { MlcError } from "../../errors.js";

/**
 * The error for a model file that contradicts its own format.
 * @param where file and, where known, offset or tensor.
 * @param received what was there instead; shown shortened.
 */
export function malformed(where: string, expected: string, received: unknown): MlcError {
  return new MlcError(
    "ERR_INVALID_MODEL",
    `Expected ${expected} in ${where} but received ${shown(received)}: the file is damaged or incomplete, fetch it again.`,
    { details: { where } },
  );
}

/** The error for a well-formed file of a kind this importer does not read. */
export function unsupported(where: string, expected: string, received: unknown, advice: string): MlcError {
  return new MlcError(
    "ERR_UNSUPPORTED_FORMAT",
    `Expected ${expected} in ${where} but received ${shown(received)}: ${advice}.`,
    { details: { where } },
  );
}

/** A value as a short text for a message. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = typeof value === "bigint" ? value.toString() : jsonText(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // Nested so deep that it cannot be written.
    return `a ${typeof value}`;
  }
}
