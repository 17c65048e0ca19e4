/** Whether a JSON value satisfies a case: for "enum" and "const" beside other keywords, and for names of properties. */
import type { ArrayCase, Case, Limit, NumberCase, ObjectCase, StringCase } from "./json-schema-cases.js";
import { formOf } from "./json-schema-forms.js";
import { matches } from "./json-schema-language.js";
import type { Conjunction } from "./json-schema-source.js";

/** What decides for schemas inside the case. */
export interface Acceptance {
  accepts(conjunction: Conjunction, value: unknown): boolean;
}

/** Whether `value`, plain JSON, satisfies `one`. Errors: ERR_INVALID_GRAMMAR for a pattern or format that cannot be read. */
export function satisfies(acceptance: Acceptance, one: Case, value: unknown): boolean {
  if (one.excluded.some(({ values }) => values.some((other) => isEqual(other, value)))) return false;
  return satisfiesRest(acceptance, one, value);
}

/** As satisfies, but excluded values count too. */
export function satisfiesRest(acceptance: Acceptance, one: Case, value: unknown): boolean {
  switch (one.type) {
    case "values":
      return one.values.some((other) => isEqual(other, value));
    case "null":
      return value === null;
    case "boolean":
      return typeof value === "boolean";
    case "number":
      return typeof value === "number" && isNumberOf(one, value);
    case "string":
      return typeof value === "string" && isStringOf(one, value);
    case "array":
      return Array.isArray(value) && isArrayOf(acceptance, one, value);
    case "object":
      return isObject(value) && isObjectOf(acceptance, one, value);
  }
}

function isNumberOf({ integer, minimum, maximum, multiples }: NumberCase, value: number): boolean {
  if (integer && !Number.isInteger(value)) return false;
  return isWithin(value, minimum, maximum) && multiples.every((step) => Number.isInteger(value / step.value));
}

function isStringOf({ minLength, maxLength, forms }: StringCase, value: string): boolean {
  return (
    isWithin([...value].length, minLength, maxLength) && forms.every((form) => matches(formOf(form), value))
  );
}

function isArrayOf(acceptance: Acceptance, one: ArrayCase, value: readonly unknown[]): boolean {
  if (!isWithin(value.length, one.minItems, one.maxItems)) return false;
  if (!value.every((item, place) => acceptance.accepts(one.prefix[place] ?? one.rest, item))) return false;
  if (
    one.unique !== undefined &&
    value.some((item, place) => value.slice(place + 1).some((other) => isEqual(item, other)))
  ) {
    return false;
  }
  return one.contains.every(({ schema, min, max }) => {
    const found = value.filter((item) => acceptance.accepts(schema, item)).length;
    return found >= min && found <= max;
  });
}

function isObjectOf(
  acceptance: Acceptance,
  one: ObjectCase,
  value: Readonly<Record<string, unknown>>,
): boolean {
  const entries = Object.entries(value);
  if (!isWithin(entries.length, one.minProperties, one.maxProperties)) return false;
  if (![...one.required].every((name) => Object.hasOwn(value, name))) return false;
  return entries.every(
    ([name, inner]) =>
      acceptance.accepts(one.names, name) && acceptance.accepts(propertyOf(one, name), inner),
  );
}

/** What the property `name` must satisfy, by every layer of an object. */
export function propertyOf({ layers }: ObjectCase, name: string): Conjunction {
  return layers.flatMap(({ properties, patterns, additional }) => {
    const own = properties.get(name);
    const matching = patterns.filter((pattern) => matches(formOf(pattern), name));
    if (own === undefined && matching.length === 0) return additional;
    return [...(own ?? []), ...matching.flatMap(({ schema }) => schema)];
  });
}

function isWithin(value: number, least: Limit | undefined, most: Limit | undefined): boolean {
  if (least !== undefined && (value < least.value || (least.exclusive && value === least.value)))
    return false;
  return most === undefined || value < most.value || (!most.exclusive && value === most.value);
}

/** Equality of JSON values; the order of properties does not matter. */
export function isEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, place) => isEqual(item, right[place]));
  }
  if (!isObject(left) || !isObject(right)) return false;
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && isEqual(left[name], right[name]))
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
