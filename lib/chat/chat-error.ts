/** Errors about messages and tools that came from outside. */
import { MlcError } from "../errors.js";

/** ERR_INVALID_ARGUMENT for a field that is not what `expected` says. */
export function invalid(field: string, expected: string, received: unknown): MlcError {
  return new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected ${expected} for ${field} but received ${shown(received)}.`,
    { details: { field } },
  );
}

/** ERR_UNSUPPORTED_FIELD for a field or a value that this engine does not have. */
export function unsupported(field: string, received: unknown, advice: string): MlcError {
  return new MlcError(
    "ERR_UNSUPPORTED_FIELD",
    `Expected no ${field} but received ${shown(received)}: ${advice}.`,
    { details: { field } },
  );
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 80);
}
