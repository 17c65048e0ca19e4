/** The cases of one schema object's own keywords, without the keywords that combine schemas. */
import {
  type ArrayCase,
  type Case,
  type Contains,
  type Exclusion,
  everyCase,
  higher,
  type Limit,
  lower,
  type NumberCase,
  type ObjectCase,
  type PropertyLayer,
  type StringCase,
} from "./json-schema-cases.js";
import { type Mark, refused } from "./json-schema-error.js";
import { isIgnoredFormat } from "./json-schema-formats.js";
import { NOT_ONE_OF } from "./json-schema-keywords.js";
import type { Conjunction, Location, SchemaObject, SchemaSource } from "./json-schema-source.js";

const TYPES = ["null", "boolean", "object", "array", "number", "string", "integer"];

/** Reads the own keywords of one schema object after another. */
export class DirectCases {
  readonly #source: SchemaSource;

  constructor(source: SchemaSource) {
    this.#source = source;
  }

  /** Cases by the own keywords of a schema. Errors: ERR_INVALID_GRAMMAR for malformed and dynamic keywords. */
  of(place: Location, schema: SchemaObject): readonly Case[] {
    for (const keyword of ["$dynamicRef", "$recursiveRef"]) {
      if (schema[keyword] !== undefined) {
        throw refused(mark(place, keyword), 'dynamic references cannot be followed; use "$ref"');
      }
    }
    const types = typesOf(place, schema);
    const cases: Case[] = [];
    for (const free of everyCase(place.pointer)) {
      const integer = free.type === "number" && !types.has("number");
      if (!types.has(free.type) && !(integer && types.has("integer"))) continue;
      const one = this.#constrained(free, place, schema, integer);
      cases.push({ ...one, excluded: exclusions(place, schema) });
    }
    return cases;
  }

  #constrained(free: Case, place: Location, schema: SchemaObject, integer: boolean): Case {
    if (free.type === "number") return numberCase(free, place, schema, integer);
    if (free.type === "string") return stringCase(free, place, schema);
    if (free.type === "array") return this.#arrayCase(free, place, schema);
    return free.type === "object" ? this.#objectCase(free, place, schema) : free;
  }

  #arrayCase(free: ArrayCase, place: Location, schema: SchemaObject): ArrayCase {
    const listed = Array.isArray(schema.items) ? "items" : "prefixItems";
    const prefix = listOf(place, schema, listed).map((item, index) => [
      this.#source.child(place, item, listed, index),
    ]);
    const restName =
      listed === "items" ? "additionalItems" : schema.items === undefined ? "unevaluatedItems" : "items";
    const rest = schema[restName];
    return {
      ...free,
      prefix,
      rest: rest === undefined ? [] : [this.#source.child(place, rest, restName)],
      minItems: count(place, schema, "minItems"),
      maxItems: count(place, schema, "maxItems"),
      unique: flag(place, schema, "uniqueItems") ? mark(place, "uniqueItems") : undefined,
      contains: this.#contains(place, schema),
    };
  }

  #contains(place: Location, schema: SchemaObject): readonly Contains[] {
    if (schema.contains === undefined) return [];
    const min = count(place, schema, "minContains")?.value ?? 1;
    const max = count(place, schema, "maxContains")?.value ?? Number.POSITIVE_INFINITY;
    if (min === 0 && max === Number.POSITIVE_INFINITY) return [];
    const inner = [this.#source.child(place, schema.contains, "contains")];
    return [{ schema: inner, min, max, mark: mark(place, "contains") }];
  }

  #objectCase(free: ObjectCase, place: Location, schema: SchemaObject): ObjectCase {
    const layer = this.#layer(place, schema);
    const required = schema.required ?? [];
    if (!isTexts(required)) throw refused(mark(place, "required"), "it must be a list of names");
    const { propertyNames } = schema;
    return {
      ...free,
      layers: layer === undefined ? [] : [layer],
      required: new Set(required),
      minProperties: count(place, schema, "minProperties"),
      maxProperties: count(place, schema, "maxProperties"),
      names: propertyNames === undefined ? [] : [this.#source.child(place, propertyNames, "propertyNames")],
      mark: mark(place, propertyNames === undefined ? "required" : "propertyNames"),
    };
  }

  #layer(place: Location, schema: SchemaObject): PropertyLayer | undefined {
    const properties = new Map<string, Conjunction>();
    for (const [name, inner] of Object.entries(mapOf(place, schema, "properties"))) {
      properties.set(name, [this.#source.child(place, inner, "properties", name)]);
    }
    const patterns = Object.entries(mapOf(place, schema, "patternProperties")).map(([source, inner]) => ({
      source,
      mark: mark(place, "patternProperties"),
      schema: [this.#source.child(place, inner, "patternProperties", source)],
    }));
    const name = schema.additionalProperties === undefined ? "unevaluatedProperties" : "additionalProperties";
    const rest = schema[name];
    if (properties.size + patterns.length === 0 && rest === undefined) return undefined;
    return {
      properties,
      patterns,
      additional: rest === undefined ? [] : [this.#source.child(place, rest, name)],
    };
  }
}

/** A keyword of a schema as an error names it. */
export function mark(place: Location, keyword: string): Mark {
  return { keyword, pointer: place.pointer };
}

/** A list of schemas or values under a keyword; absent: empty. */
export function listOf(place: Location, schema: SchemaObject, keyword: string): readonly unknown[] {
  const list = schema[keyword] ?? [];
  if (!Array.isArray(list)) throw refused(mark(place, keyword), "it must be a list");
  return list;
}

/** Schemas by name under a keyword; absent: empty. */
export function mapOf(
  place: Location,
  schema: SchemaObject,
  keyword: string,
): Readonly<Record<string, unknown>> {
  const map = schema[keyword] ?? {};
  if (typeof map !== "object" || Array.isArray(map))
    throw refused(mark(place, keyword), "it must be an object");
  return map as Record<string, unknown>;
}

function typesOf(place: Location, schema: SchemaObject): Set<string> {
  if (schema.type === undefined) return new Set(TYPES);
  const named = Array.isArray(schema.type) ? schema.type : [schema.type];
  for (const type of named) {
    if (!TYPES.includes(type)) throw refused(mark(place, "type"), `expected one of ${TYPES.join(", ")}`);
  }
  return new Set([...named, ...(flag(place, schema, "nullable") ? ["null"] : [])]);
}

function exclusions(place: Location, schema: SchemaObject): readonly Exclusion[] {
  const values = schema[NOT_ONE_OF];
  return values === undefined ? [] : [{ values, mark: mark(place, "not") }];
}

function numberCase(free: NumberCase, place: Location, schema: SchemaObject, integer: boolean): NumberCase {
  let minimum = numberLimit(place, schema, "minimum", "exclusiveMinimum");
  let maximum = numberLimit(place, schema, "maximum", "exclusiveMaximum");
  if (schema.format === "int32") {
    minimum = higher(minimum, { value: -(2 ** 31), exclusive: false, mark: mark(place, "format") });
    maximum = lower(maximum, { value: 2 ** 31 - 1, exclusive: false, mark: mark(place, "format") });
  }
  const whole = integer || schema.format === "int32" || schema.format === "int64";
  const step = schema.multipleOf;
  if (step !== undefined && (typeof step !== "number" || !(step > 0))) {
    throw refused(mark(place, "multipleOf"), "it must be a number above 0");
  }
  const multiples = step === undefined ? [] : [{ value: step, mark: mark(place, "multipleOf") }];
  return { ...free, integer: whole, minimum, maximum, multiples };
}

/** A limit in the form of draft 4 (`exclusiveMinimum: true` beside `minimum`) or of later ones (a number). */
function numberLimit(
  place: Location,
  schema: SchemaObject,
  keyword: string,
  exclusiveKeyword: string,
): Limit | undefined {
  const bound = numberOf(place, schema, keyword);
  const other = schema[exclusiveKeyword];
  const plain: Limit | undefined =
    bound === undefined ? undefined : { value: bound, exclusive: other === true, mark: mark(place, keyword) };
  if (other === undefined || typeof other === "boolean") return plain;
  const value = numberOf(place, schema, exclusiveKeyword) as number;
  const strict: Limit = { value, exclusive: true, mark: mark(place, exclusiveKeyword) };
  return keyword === "minimum" ? higher(plain, strict) : lower(plain, strict);
}

function stringCase(free: StringCase, place: Location, schema: SchemaObject): StringCase {
  const forms = [];
  for (const keyword of ["pattern", "format"]) {
    const text = schema[keyword];
    if (text === undefined) continue;
    if (typeof text !== "string") throw refused(mark(place, keyword), "it must be a text");
    if (keyword === "format" && isIgnoredFormat(text)) continue;
    forms.push({ source: text, mark: mark(place, keyword) });
  }
  const minLength = count(place, schema, "minLength");
  return { ...free, forms, minLength, maxLength: count(place, schema, "maxLength") };
}

function numberOf(place: Location, schema: SchemaObject, keyword: string): number | undefined {
  const value = schema[keyword];
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isFinite(value))
    throw refused(mark(place, keyword), "it must be a number");
  return value;
}

function count(place: Location, schema: SchemaObject, keyword: string): Limit | undefined {
  const value = numberOf(place, schema, keyword);
  if (value === undefined) return undefined;
  if (!Number.isInteger(value) || value < 0)
    throw refused(mark(place, keyword), "it must be a whole number from 0");
  if (value === 0 && keyword.startsWith("min") && keyword !== "minContains") return undefined;
  return { value, exclusive: false, mark: mark(place, keyword) };
}

function flag(place: Location, schema: SchemaObject, keyword: string): boolean {
  const value = schema[keyword] ?? false;
  if (typeof value !== "boolean") throw refused(mark(place, keyword), "it must be true or false");
  return value;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
