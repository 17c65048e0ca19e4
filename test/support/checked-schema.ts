/** What a checked schema allows, read the way the grammar compiler reads it. */

type Schema = Readonly<Record<string, unknown>>;

/**
 * Whether the grammar of the checked schema `text` (what checkedSchema returns) generates `value`. Patterns are over the
 * text between a string's quotes; a property is allowed by whichever of its name and the patterns allows it.
 * Throws for a keyword that checked schemas do not have.
 */
export function allows(text: string, value: unknown): boolean {
  const root = JSON.parse(text) as Schema;
  return new Reader((root.$defs ?? {}) as Record<string, Schema>).allows(root, value);
}

/** A checked schema as an object with its references written out; only for schemas that do not hold themselves. */
export function writtenOut(text: string): unknown {
  const { $defs = {}, ...root } = JSON.parse(text) as Schema;
  const whole = (_: string, value: unknown): unknown => {
    const reference = (value as Schema | null)?.$ref;
    return typeof reference === "string" ? JSON.parse(JSON.stringify(target(reference)), whole) : value;
  };
  const target = (reference: string) => ($defs as Schema)[reference.slice("#/$defs/".length)];
  return JSON.parse(JSON.stringify(root), whole);
}

const KNOWN = new Set([
  ...["$defs", "$ref", "anyOf", "enum", "type", "pattern", "prefixItems", "items", "minItems", "maxItems"],
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
  ...[
    "properties",
    "required",
    "patternProperties",
    "additionalProperties",
    "minProperties",
    "maxProperties",
  ],
]);

class Reader {
  readonly #definitions: Readonly<Record<string, Schema>>;

  constructor(definitions: Readonly<Record<string, Schema>>) {
    this.#definitions = definitions;
  }

  allows(schema: unknown, value: unknown): boolean {
    if (typeof schema === "boolean") return schema;
    const own = schema as Schema;
    for (const keyword of Object.keys(own)) {
      if (!KNOWN.has(keyword)) throw new Error(`a checked schema has no ${keyword}`);
    }
    if (typeof own.$ref === "string") return this.#followed(own.$ref, value);
    if (Array.isArray(own.anyOf)) return own.anyOf.some((inner) => this.allows(inner, value));
    if (Array.isArray(own.enum)) return own.enum.includes(value);
    if (own.type === undefined) {
      if (Object.keys(own).some((keyword) => keyword !== "$defs")) throw new Error("a type is missing");
      return true;
    }
    return this.#allowsTyped(own, value);
  }

  #followed(reference: string, value: unknown): boolean {
    const target = this.#definitions[reference.slice("#/$defs/".length)];
    if (target === undefined) throw new Error(`${reference} leads nowhere`);
    return this.allows(target, value);
  }

  #allowsTyped(own: Schema, value: unknown): boolean {
    switch (own.type) {
      case "null":
        return value === null;
      case "boolean":
        return typeof value === "boolean";
      case "number":
        return typeof value === "number" && isWithin(own, value);
      case "integer":
        return typeof value === "number" && Number.isInteger(value) && isWithin(own, value);
      case "string":
        return typeof value === "string" && (own.pattern === undefined || fits(own.pattern as string, value));
      case "array":
        return Array.isArray(value) && this.#allowsItems(own, value);
      case "object":
        return (
          typeof value === "object" &&
          value !== null &&
          !Array.isArray(value) &&
          this.#allowsNames(own, value)
        );
      default:
        throw new Error(`a checked schema has no type ${String(own.type)}`);
    }
  }

  #allowsItems(own: Schema, value: readonly unknown[]): boolean {
    if (!isCounted(own, "Items", value.length)) return false;
    const prefix = (own.prefixItems ?? []) as readonly Schema[];
    return value.every((item, place) => this.allows(prefix[place] ?? own.items, item));
  }

  #allowsNames(own: Schema, value: object): boolean {
    const entries = Object.entries(value);
    if (!isCounted(own, "Properties", entries.length)) return false;
    const required = (own.required ?? []) as readonly string[];
    if (!required.every((name) => Object.hasOwn(value, name))) return false;
    const named = (own.properties ?? {}) as Schema;
    const patterns = Object.entries((own.patternProperties ?? {}) as Schema);
    return entries.every(([name, inner]) => {
      const schemas = patterns.filter(([pattern]) => fits(pattern, name)).map(([, schema]) => schema);
      if (Object.hasOwn(named, name)) schemas.push(named[name]);
      if (schemas.length === 0) schemas.push(own.additionalProperties);
      return schemas.some((schema) => this.allows(schema, inner));
    });
  }
}

function fits(pattern: string, text: string): boolean {
  return new RegExp(pattern, "su").test(JSON.stringify(text).slice(1, -1));
}

function isCounted(own: Schema, what: string, count: number): boolean {
  const least = (own[`min${what}`] ?? 0) as number;
  return count >= least && count <= ((own[`max${what}`] ?? Number.POSITIVE_INFINITY) as number);
}

function isWithin(own: Schema, value: number): boolean {
  const limit = (keyword: string, free: number) => (own[keyword] ?? free) as number;
  return (
    value >= limit("minimum", Number.NEGATIVE_INFINITY) &&
    value <= limit("maximum", Number.POSITIVE_INFINITY) &&
    value > limit("exclusiveMinimum", Number.NEGATIVE_INFINITY) &&
    value < limit("exclusiveMaximum", Number.POSITIVE_INFINITY) &&
    (own.multipleOf === undefined || value % (own.multipleOf as number) === 0)
  );
}
