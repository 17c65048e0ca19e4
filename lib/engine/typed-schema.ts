/**
 * Schemas that carry a TypeScript type: those of Standard Schema (https://standardschema.dev) with a JSON schema, such as zod's
 * from 4.2 on. What a model writes is the schema's input, what a caller gets its output.
 */
import { MlcError } from "../errors.js";
import { unexpected } from "./expectation.js";

/** Keywords that hold values, not schemas. */
const VALUES = ["const", "enum", "default", "examples"];

/** A schema whose values are of type `Value`. */
export interface TypedSchema<Value> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly types?: { readonly input: unknown; readonly output: Value } | undefined;
    /** Checks a value and gives what the schema makes of it. */
    readonly validate: (value: unknown) => SchemaResult<Value> | Promise<SchemaResult<Value>>;
    readonly jsonSchema: {
      /** The JSON schema of what the schema takes. */
      readonly input: (options: { readonly target: "draft-2020-12" }) => Record<string, unknown>;
    };
  };
}

/** A value, or what speaks against it. */
export type SchemaResult<Value> =
  | { readonly value: Value; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that speaks against a value. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly unknown[] | undefined;
}

/** The JSON schema of what a model has to write. Errors: ERR_INVALID_ARGUMENT for a schema without one. */
export function jsonSchemaOf(name: string, schema: TypedSchema<unknown>): Record<string, unknown> {
  const converter: unknown = schema?.["~standard"]?.jsonSchema?.input;
  if (typeof converter !== "function") {
    throw unexpected(name, "a Standard Schema with a JSON schema (zod from 4.2 on)", schema);
  }
  const written = schema["~standard"].jsonSchema.input({ target: "draft-2020-12" });
  return narrowed(written, true) as Record<string, unknown>;
}

/**
 * The schema as a model is held to it. Objects are closed unless they say otherwise (`closing`; not within `allOf`, where each part
 * would close out the others): what a schema does not name, the schema drops or refuses anyway. Formats lose the pattern that zod
 * writes beside them: a grammar holds a text to one of the two, and the schema itself checks the answer afterwards.
 */
function narrowed(node: unknown, closing: boolean): unknown {
  if (Array.isArray(node)) return node.map((item) => narrowed(item, closing));
  if (typeof node !== "object" || node === null) return node;
  const { type, format, properties, additionalProperties } = node as Record<string, unknown>;
  const entries = Object.entries(node)
    .filter(
      ([name, value]) =>
        !(name === "pattern" && typeof value === "string" && type === "string" && typeof format === "string"),
    )
    .map(([name, value]) => [
      name,
      VALUES.includes(name) ? value : narrowed(value, closing && name !== "allOf"),
    ]);
  const closes = closing && type === "object" && isObject(properties) && additionalProperties === undefined;
  return Object.fromEntries(closes ? [...entries, ["additionalProperties", false]] : entries);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** The value of a JSON text. Errors: ERR_INVALID_ARGUMENT, with `details.issues`, where the schema does not accept it. */
export async function parseTyped<Value>(
  name: string,
  schema: TypedSchema<Value>,
  text: string,
): Promise<Value> {
  const result = await schema["~standard"].validate(parseJson(name, text));
  if (result.issues === undefined) return result.value;
  const [first] = result.issues;
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected a value that the schema accepts for ${name} but received one of which it says: ${first?.message ?? "no reason"}.`,
    { details: { name, issues: result.issues } },
  );
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unexpected(name, "JSON", text);
  }
}
