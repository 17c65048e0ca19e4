/** Refusals of JSON schemas: one error that names the keyword and where it stands. */
import { MlcError } from "../errors.js";

/** A keyword of a schema and the JSON pointer of the schema that holds it ("" is the root). */
export interface Mark {
  readonly keyword: string;
  readonly pointer: string;
}

/**
 * ERR_INVALID_GRAMMAR for a keyword that generation cannot enforce exactly.
 * `why` says what is expected instead; details hold {keyword, pointer}.
 */
export function refused(mark: Mark, why: string): MlcError {
  return new MlcError(
    "ERR_INVALID_GRAMMAR",
    `Expected a JSON schema that can be enforced exactly but received "${mark.keyword}" at "#${mark.pointer}": ${why}.`,
    { details: { keyword: mark.keyword, pointer: mark.pointer } },
  );
}
