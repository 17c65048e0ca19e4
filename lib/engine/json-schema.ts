/** JSON schemas that generation enforces: every keyword is kept, rewritten to the same meaning, or refused by name. */
import { SchemaAlgebra } from "./json-schema-algebra.js";
import { SchemaEmission } from "./json-schema-emission.js";
import { SchemaSource } from "./json-schema-source.js";
import { checkStrict } from "./json-schema-strict.js";

export interface SchemaCheckOptions {
  /** Also ask for what OpenAI's `strict: true` asks for: every object closed, every property required. Default false. */
  readonly strict?: boolean | undefined;
}

/**
 * The schema as JSON text for the grammar compiler, in a form of which it enforces every keyword. The text means the
 * same as `schema`; docs/structured-output.md lists what is rewritten and how.
 * Errors: ERR_INVALID_GRAMMAR with details {keyword, pointer} for a keyword that cannot be enforced, for a schema that
 * no value satisfies, and for one that nests too deep, is too large or is too complex.
 */
export function checkedSchema(schema: unknown, options: SchemaCheckOptions = {}): string {
  const source = new SchemaSource(schema);
  if (options.strict === true) checkStrict(source.root.schema);
  const emission = new SchemaEmission(source, new SchemaAlgebra(source));
  return JSON.stringify(emission.whole());
}
