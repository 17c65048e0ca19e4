/** The opposite of a schema, and conditional keywords as plain alternatives. */
import { listOf, mapOf, mark } from "./json-schema-direct.js";
import { refused } from "./json-schema-error.js";
import { ANNOTATIONS, ASSERTIONS, NOT_ONE_OF } from "./json-schema-keywords.js";
import type { Location, SchemaObject, SchemaSource } from "./json-schema-source.js";

/** Most schemas inside one another whose opposite is written out. */
const DEEPEST = 64;

/** Opposites of limits: the other limit, and what is added to the value. */
const OPPOSITE_LIMITS = new Map<string, [type: string, keyword: string, step: number]>([
  ["minimum", ["number", "exclusiveMaximum", 0]],
  ["maximum", ["number", "exclusiveMinimum", 0]],
  ["exclusiveMinimum", ["number", "maximum", 0]],
  ["exclusiveMaximum", ["number", "minimum", 0]],
  ["minLength", ["string", "maxLength", -1]],
  ["maxLength", ["string", "minLength", 1]],
  ["minItems", ["array", "maxItems", -1]],
  ["maxItems", ["array", "minItems", 1]],
  ["minProperties", ["object", "maxProperties", -1]],
  ["maxProperties", ["object", "minProperties", 1]],
]);

/**
 * Schemas of which one holds exactly where the schema at `place` does not.
 * Errors: ERR_INVALID_GRAMMAR naming a keyword whose opposite cannot be written, or a schema that holds itself.
 */
export function opposite(
  source: SchemaSource,
  place: Location,
  depth = 0,
): readonly (SchemaObject | boolean)[] {
  source.spend(mark(place, "not"));
  if (depth > DEEPEST) {
    throw refused(mark(place, "not"), "the opposite of a schema that holds itself cannot be written out");
  }
  if (typeof place.schema === "boolean") return [!place.schema];
  const { schema } = place;
  const found: (SchemaObject | boolean)[] = [];
  for (const [keyword, value] of Object.entries(schema)) {
    if (value === undefined || !ASSERTIONS.has(keyword) || ANNOTATIONS.has(keyword)) continue;
    found.push(...oppositeKeyword(source, place, schema, keyword, depth));
  }
  const excluded = schema[NOT_ONE_OF];
  return excluded === undefined ? found : [...found, { enum: excluded }];
}

function oppositeKeyword(
  source: SchemaSource,
  place: Location,
  schema: SchemaObject,
  keyword: string,
  depth: number,
): readonly (SchemaObject | boolean)[] {
  const value = schema[keyword];
  const not = (inner: unknown, ...names: (string | number)[]) =>
    anyOf(opposite(source, source.child(place, inner, ...names), depth + 1));
  switch (keyword) {
    case "type":
      return [{ type: oppositeTypes(place, schema) }];
    case "nullable":
      return [];
    case "enum":
      return [{ [NOT_ONE_OF]: listOf(place, schema, keyword) }];
    case "const":
      return [{ [NOT_ONE_OF]: [value] }];
    case "$ref":
      return [anyOf(opposite(source, source.resolve(place, value), depth + 1))];
    case "not":
      return [source.child(place, value, "not").schema];
    case "allOf":
      return listOf(place, schema, keyword).map((inner, index) => not(inner, keyword, index));
    case "anyOf":
      return [{ allOf: listOf(place, schema, keyword).map((inner, index) => not(inner, keyword, index)) }];
    case "required":
      return listOf(place, schema, keyword).map((name) => ({
        type: "object",
        properties: lone(String(name), false),
      }));
    case "properties":
      return Object.entries(mapOf(place, schema, keyword)).map(([name, inner]) => ({
        type: "object",
        required: [name],
        properties: lone(name, not(inner, keyword, name)),
      }));
    default:
      return [oppositeLimit(place, schema, keyword, value)];
  }
}

function oppositeLimit(
  place: Location,
  schema: SchemaObject,
  keyword: string,
  value: unknown,
): SchemaObject | boolean {
  const limit = OPPOSITE_LIMITS.get(keyword);
  if (
    limit === undefined ||
    typeof value !== "number" ||
    typeof schema[draft4Partner(keyword)] === "boolean"
  ) {
    throw refused(
      mark(place, keyword),
      'its opposite, which "not", "if" or "oneOf" asks for, cannot be enforced',
    );
  }
  const [type, name, step] = limit;
  return value + step < 0 && step < 0 ? false : { type, [name]: value + step };
}

function draft4Partner(keyword: string): string {
  return keyword === "minimum" ? "exclusiveMinimum" : keyword === "maximum" ? "exclusiveMaximum" : "";
}

function oppositeTypes(place: Location, { type, nullable }: SchemaObject): string[] {
  const named = new Set(Array.isArray(type) ? type : [type]);
  if (nullable === true) named.add("null");
  if (named.has("integer") && !named.has("number")) {
    throw refused(mark(place, "type"), "numbers that are not integers cannot be asked for");
  }
  return ["null", "boolean", "object", "array", "number", "string"].filter((one) => !named.has(one));
}

/**
 * "if", "dependencies", "dependentRequired" and "dependentSchemas" of a schema, each as the alternatives that say the
 * same.
 */
export function conditions(
  source: SchemaSource,
  place: Location,
  schema: SchemaObject,
): (readonly Location[])[] {
  const made = (schema: SchemaObject | boolean) =>
    typeof schema === "boolean" ? source.at(schema, place.pointer) : source.made(place, schema);
  const groups: (readonly Location[])[] = [];
  if (schema.if !== undefined && (schema.then !== undefined || schema.else !== undefined)) {
    const condition = source.child(place, schema.if, "if");
    const otherwise = anyOf(opposite(source, condition));
    groups.push([
      made({ allOf: [condition.schema, schema.then ?? true] }),
      made({ allOf: [otherwise, schema.else ?? true] }),
    ]);
  }
  for (const keyword of ["dependencies", "dependentRequired", "dependentSchemas"]) {
    for (const [name, needed] of Object.entries(mapOf(place, schema, keyword))) {
      const needs = Array.isArray(needed) ? { required: needed } : needed;
      groups.push([
        made({ properties: lone(name, false) }),
        made({ allOf: [{ type: "object", required: [name] }, needs] }),
      ]);
    }
  }
  return groups;
}

/** An object with one own property, whatever its name. */
function lone(name: string, value: unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries([[name, value]]);
}

function anyOf(alternatives: readonly (SchemaObject | boolean)[]): SchemaObject | boolean {
  if (alternatives.length === 0) return false;
  return alternatives.length === 1 ? (alternatives[0] as SchemaObject | boolean) : { anyOf: alternatives };
}
