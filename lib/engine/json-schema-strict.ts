/** The rules that OpenAI's `strict: true` sets for a JSON schema, beyond what can be enforced. */
import { refused } from "./json-schema-error.js";
import { ANNOTATIONS, ASSERTIONS } from "./json-schema-keywords.js";
import type { SchemaObject } from "./json-schema-source.js";

/** Limits that OpenAI documents for strict schemas. */
const MOST_PROPERTIES = 5_000;
const DEEPEST = 10;
const MOST_ENUM_VALUES = 1_000;

interface Totals {
  properties: number;
  enumValues: number;
}

/** Keywords under which schemas stand alone, in a list, or by name. */
const INNER = [
  ...["items", "additionalItems", "unevaluatedItems", "contains"],
  ...["additionalProperties", "unevaluatedProperties", "propertyNames"],
  ...["not", "if", "then", "else"],
];
const LISTS = ["anyOf", "allOf", "oneOf", "prefixItems", "items"];
const MAPS = ["properties", "$defs", "definitions", "patternProperties", "dependencies", "dependentSchemas"];

/**
 * Checks what strict schemas must be: the root is an object and not "anyOf", every object has
 * `additionalProperties: false` and requires all its properties, no keyword is unknown, and sizes stay within OpenAI's.
 * Errors: ERR_INVALID_GRAMMAR naming the keyword.
 */
export function checkStrict(schema: SchemaObject | boolean): void {
  if (typeof schema === "boolean" || (schema.type !== "object" && schema.$ref === undefined)) {
    throw refused({ keyword: "type", pointer: "" }, 'with strict the root must have the type "object"');
  }
  if (schema.anyOf !== undefined)
    throw refused({ keyword: "anyOf", pointer: "" }, "with strict the root cannot have it");
  checkPart(schema, "", 0, { properties: 0, enumValues: 0 });
}

function checkPart(schema: unknown, pointer: string, depth: number, totals: Totals): void {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return;
  const part = schema as SchemaObject;
  for (const keyword of Object.keys(part)) {
    if (ANNOTATIONS.has(keyword) || ASSERTIONS.has(keyword)) continue;
    throw refused({ keyword, pointer }, "with strict every keyword must be known");
  }
  const deeper = checkObject(part, pointer, depth, totals);
  checkEnum(part, pointer, totals);
  for (const keyword of INNER) checkPart(part[keyword], `${pointer}/${keyword}`, deeper, totals);
  for (const keyword of [...LISTS, ...MAPS]) {
    const inner = part[keyword];
    if (typeof inner !== "object" || inner === null) continue;
    if (LISTS.includes(keyword) && !Array.isArray(inner)) continue;
    const start = keyword === "$defs" || keyword === "definitions" ? 0 : deeper;
    for (const [name, each] of Object.entries(inner)) {
      checkPart(
        each,
        `${pointer}/${keyword}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`,
        start,
        totals,
      );
    }
  }
}

function checkObject(part: SchemaObject, pointer: string, depth: number, totals: Totals): number {
  const types = Array.isArray(part.type) ? part.type : [part.type];
  if (!types.includes("object") && part.properties === undefined) return depth;
  if (part.additionalProperties !== false) {
    throw refused(
      { keyword: "additionalProperties", pointer },
      "with strict it must be false for every object",
    );
  }
  const names = Object.keys(part.properties ?? {});
  const required = Array.isArray(part.required) ? part.required : [];
  const missing = names.find((name) => !required.includes(name));
  if (missing !== undefined) {
    throw refused(
      { keyword: "required", pointer },
      `with strict it must list every property, and "${missing}" is missing`,
    );
  }
  totals.properties += names.length;
  if (totals.properties > MOST_PROPERTIES) {
    throw refused(
      { keyword: "properties", pointer },
      `with strict at most ${MOST_PROPERTIES} properties are allowed in all`,
    );
  }
  if (depth >= DEEPEST)
    throw refused({ keyword: "properties", pointer }, `with strict at most ${DEEPEST} levels nest`);
  return depth + 1;
}

function checkEnum(part: SchemaObject, pointer: string, totals: Totals): void {
  if (!Array.isArray(part.enum)) return;
  totals.enumValues += part.enum.length;
  if (totals.enumValues > MOST_ENUM_VALUES) {
    throw refused(
      { keyword: "enum", pointer },
      `with strict at most ${MOST_ENUM_VALUES} values are allowed in all`,
    );
  }
}
