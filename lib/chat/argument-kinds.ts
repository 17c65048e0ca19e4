/**
 * Which kinds of JSON values an argument may have by its function's schema. Models that write arguments between marks write texts as
 * they are and all else as JSON, so that only the schema tells what is meant.
 */

/** Kinds of JSON values; `number` stands for those that are not whole. */
export type JsonKind = "string" | "integer" | "number" | "boolean" | "null" | "object" | "array";

/** The kinds a value may have. */
export type JsonKinds = ReadonlySet<JsonKind>;

type Schema = Readonly<Record<string, unknown>>;

const ALL: readonly JsonKind[] = ["string", "integer", "number", "boolean", "null", "object", "array"];
/** References followed on the way to one argument. */
const DEEPEST = 32;

/**
 * The kinds that the argument `key` may have by the schema of all arguments. What a schema says in other ways than by "type",
 * "enum", "const", "allOf", "anyOf", "oneOf" and local "$ref" is not looked at: every kind that is allowed is among them.
 */
export function argumentKinds(schema: unknown, key: string): JsonKinds {
  return new Set(kindsIn(schema, { root: schema, key, depth: 0 }));
}

function kindOf(value: unknown): JsonKind {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value as "string" | "boolean" | "object";
}

/** Whether a text is JSON of one of the kinds. */
export function isJsonOf(kinds: JsonKinds, text: string): boolean {
  try {
    return kinds.has(kindOf(JSON.parse(text)));
  } catch {
    return false;
  }
}

/** `key`: the schema is one of objects, and the kinds are those of that member. */
interface Place {
  readonly root: unknown;
  readonly key: string | undefined;
  readonly depth: number;
}

function kindsIn(schema: unknown, place: Place): readonly JsonKind[] {
  if (!isObject(schema) || place.depth > DEEPEST) return ALL;
  const inner = { ...place, depth: place.depth + 1 };
  const all = listed(schema.allOf).map((part) => kindsIn(part, inner));
  const either = [schema.anyOf, schema.oneOf]
    .map(listed)
    .filter((branches) => branches.length > 0)
    .map((branches) => branches.flatMap((branch) => kindsIn(branch, inner)));
  const target = typeof schema.$ref === "string" ? pointed(place.root, schema.$ref) : undefined;
  const parts = [ownKinds(schema, inner), kindsIn(target, inner), ...all, ...either];
  return ALL.filter((kind) => parts.every((kinds) => kinds.includes(kind)));
}

function ownKinds(schema: Schema, place: Place): readonly JsonKind[] {
  if (place.key === undefined) return valueKinds(schema);
  const named = isObject(schema.properties) ? schema.properties : {};
  const own = Object.hasOwn(named, place.key);
  const patterned = !own && schema.patternProperties !== undefined;
  if (patterned) return ALL;
  return kindsIn(own ? named[place.key] : schema.additionalProperties, { ...place, key: undefined });
}

function valueKinds({ type, enum: values, nullable, ...rest }: Schema): readonly JsonKind[] {
  const named: readonly unknown[] = Array.isArray(type) ? type : type === undefined ? ALL : [type];
  const names = nullable === true ? [...named, "null"] : named;
  const typed = ALL.filter(
    (kind) => names.includes(kind) || (kind === "integer" && names.includes("number")),
  );
  const listedValues = Object.hasOwn(rest, "const")
    ? [rest.const]
    : Array.isArray(values)
      ? values
      : undefined;
  if (listedValues === undefined) return typed;
  const kinds = new Set(listedValues.map(kindOf));
  return typed.filter((kind) => kinds.has(kind));
}

/** What a local reference leads to; undefined where it leads elsewhere. */
function pointed(root: unknown, reference: string): unknown {
  if (!reference.startsWith("#")) return undefined;
  let target: unknown = root;
  for (const part of reference.slice(1).split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof target !== "object" || target === null || !Object.hasOwn(target, name)) return undefined;
    target = (target as Schema)[name];
  }
  return target;
}

function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
