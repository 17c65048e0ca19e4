/** Which definitions of an emitted schema have a value that ends. */
import type { Emitted } from "./json-schema-scalars.js";

type Schemas = readonly Emitted[];

/** The name of a definition of which every value would hold another value of it; undefined: there is none. */
export function endlessDefinition(definitions: ReadonlyMap<string, Emitted>): string | undefined {
  const finite = new Set<string>();
  for (let before = -1; before < finite.size; ) {
    before = finite.size;
    for (const [name, schema] of definitions) {
      if (!finite.has(name) && endsFor(schema, finite)) finite.add(name);
    }
  }
  return [...definitions.keys()].find((name) => !finite.has(name));
}

/** Whether some value of a schema needs only values of the definitions in `finite`. */
function endsFor(schema: Emitted | boolean | undefined, finite: ReadonlySet<string>): boolean {
  if (typeof schema !== "object") return schema !== false;
  if (typeof schema.$ref === "string") return finite.has(schema.$ref.slice("#/$defs/".length));
  if (Array.isArray(schema.anyOf)) return (schema.anyOf as Schemas).some((inner) => endsFor(inner, finite));
  if (schema.type === "array") return isFiniteArray(schema, finite);
  return schema.type !== "object" || isFiniteObject(schema, finite);
}

function isFiniteArray(schema: Emitted, finite: ReadonlySet<string>): boolean {
  const least = (schema.minItems ?? 0) as number;
  const prefix = (schema.prefixItems ?? []) as Schemas;
  if (!prefix.slice(0, least).every((item) => endsFor(item, finite))) return false;
  return least <= prefix.length || endsFor(schema.items as Emitted | boolean, finite);
}

function isFiniteObject(schema: Emitted, finite: ReadonlySet<string>): boolean {
  const named = new Map(Object.entries((schema.properties ?? {}) as Record<string, Emitted>));
  const required = (schema.required ?? []) as readonly string[];
  if (!required.every((name) => endsFor(named.get(name), finite))) return false;
  const least = (schema.minProperties ?? 0) as number;
  const usable = [...named.values()].filter((inner) => endsFor(inner, finite)).length;
  const others = Object.values((schema.patternProperties ?? {}) as Record<string, Emitted>);
  return (
    usable >= least ||
    [...others, schema.additionalProperties as Emitted | boolean].some((inner) => endsFor(inner, finite))
  );
}
