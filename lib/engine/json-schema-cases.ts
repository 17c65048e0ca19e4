/** What a schema says of values of one type, and what two such statements say together. */
import type { Mark } from "./json-schema-error.js";
import type { Conjunction } from "./json-schema-source.js";

/** Values that are not allowed although the rest of a case holds, with the "not" that says so. */
export interface Exclusion {
  readonly values: readonly unknown[];
  readonly mark: Mark;
}

/** A limit with the keyword that set it. */
export interface Limit {
  readonly value: number;
  readonly exclusive: boolean;
  readonly mark: Mark;
}

interface Common {
  readonly excluded: readonly Exclusion[];
}

/** One of a list of JSON values. */
export interface ValuesCase extends Common {
  readonly type: "values";
  readonly values: readonly unknown[];
}

/** null, true or false. */
export interface PlainCase extends Common {
  readonly type: "null" | "boolean";
}

export interface NumberCase extends Common {
  readonly type: "number";
  readonly integer: boolean;
  readonly minimum: Limit | undefined;
  readonly maximum: Limit | undefined;
  readonly multiples: readonly { readonly value: number; readonly mark: Mark }[];
}

/** A pattern or, where the mark says so, a format; `source` is its text or name. */
export interface TextForm {
  readonly source: string;
  readonly mark: Mark;
}

export interface StringCase extends Common {
  readonly type: "string";
  readonly minLength: Limit | undefined;
  readonly maxLength: Limit | undefined;
  readonly forms: readonly TextForm[];
}

export interface ArrayCase extends Common {
  readonly type: "array";
  /** What the first items satisfy, by place. */
  readonly prefix: readonly Conjunction[];
  /** What the items after the prefix satisfy. */
  readonly rest: Conjunction;
  readonly minItems: Limit | undefined;
  readonly maxItems: Limit | undefined;
  readonly unique: Mark | undefined;
  readonly contains: readonly Contains[];
}

export interface Contains {
  readonly schema: Conjunction;
  readonly min: number;
  readonly max: number;
  readonly mark: Mark;
}

/** "properties", "patternProperties" and "additionalProperties" of one schema object. */
export interface PropertyLayer {
  readonly properties: ReadonlyMap<string, Conjunction>;
  readonly patterns: readonly {
    readonly source: string;
    readonly mark: Mark;
    readonly schema: Conjunction;
  }[];
  readonly additional: Conjunction;
}

export interface ObjectCase extends Common {
  readonly type: "object";
  readonly layers: readonly PropertyLayer[];
  readonly required: ReadonlySet<string>;
  readonly minProperties: Limit | undefined;
  readonly maxProperties: Limit | undefined;
  readonly names: Conjunction;
  /** Where "required" or "propertyNames" stands, for refusals. */
  readonly mark: Mark;
}

/** Values of one type; a schema is a list of cases, of which one must hold. */
export type Case = ValuesCase | PlainCase | NumberCase | StringCase | ArrayCase | ObjectCase;

/** Every value, as one case per type. */
export function everyCase(pointer: string): readonly Case[] {
  const excluded: readonly Exclusion[] = [];
  const mark = { keyword: "required", pointer };
  return [
    { type: "null", excluded },
    { type: "boolean", excluded },
    { type: "number", excluded, integer: false, minimum: undefined, maximum: undefined, multiples: [] },
    { type: "string", excluded, minLength: undefined, maxLength: undefined, forms: [] },
    {
      type: "array",
      excluded,
      prefix: [],
      rest: [],
      minItems: undefined,
      maxItems: undefined,
      unique: undefined,
      contains: [],
    },
    {
      type: "object",
      excluded,
      layers: [],
      required: new Set(),
      minProperties: undefined,
      maxProperties: undefined,
      names: [],
      mark,
    },
  ];
}

/** Whether a case allows every value of its type. */
export function isFree(one: Case): boolean {
  if (one.excluded.length > 0) return false;
  switch (one.type) {
    case "values":
      return false;
    case "number":
      return !one.integer && !one.minimum && !one.maximum && one.multiples.length === 0;
    case "string":
      return !one.minLength && !one.maxLength && one.forms.length === 0;
    case "array": {
      const bound = one.minItems ?? one.maxItems ?? one.unique;
      return bound === undefined && one.prefix.length + one.rest.length + one.contains.length === 0;
    }
    case "object": {
      const bound = one.minProperties ?? one.maxProperties;
      return bound === undefined && one.layers.length + one.required.size + one.names.length === 0;
    }
    default:
      return true;
  }
}

/** The stricter of two lower limits. */
export function higher(left: Limit | undefined, right: Limit | undefined): Limit | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  if (left.value !== right.value) return left.value > right.value ? left : right;
  return left.exclusive ? left : right;
}

/** The stricter of two upper limits. */
export function lower(left: Limit | undefined, right: Limit | undefined): Limit | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  if (left.value !== right.value) return left.value < right.value ? left : right;
  return left.exclusive ? left : right;
}

/** Whether no number lies between two limits. */
export function isEmptyRange(least: Limit | undefined, most: Limit | undefined): boolean {
  if (least === undefined || most === undefined) return false;
  return least.value > most.value || (least.value === most.value && (least.exclusive || most.exclusive));
}

/** Values that satisfy both cases of one type; undefined: none. Lists of values are the caller's. */
export function intersection(left: Case, right: Case): Case | undefined {
  const excluded = [...left.excluded, ...right.excluded];
  if (left.type === "number" && right.type === "number") return numbers(left, right, excluded);
  if (left.type === "string" && right.type === "string") return strings(left, right, excluded);
  if (left.type === "array" && right.type === "array") return arrays(left, right, excluded);
  if (left.type === "object" && right.type === "object") return objects(left, right, excluded);
  return left.type === right.type ? { ...left, excluded } : undefined;
}

function numbers(
  left: NumberCase,
  right: NumberCase,
  excluded: readonly Exclusion[],
): NumberCase | undefined {
  const minimum = higher(left.minimum, right.minimum);
  const maximum = lower(left.maximum, right.maximum);
  if (isEmptyRange(minimum, maximum)) return undefined;
  const multiples = [...left.multiples, ...right.multiples];
  return { type: "number", excluded, integer: left.integer || right.integer, minimum, maximum, multiples };
}

function strings(
  left: StringCase,
  right: StringCase,
  excluded: readonly Exclusion[],
): StringCase | undefined {
  const minLength = higher(left.minLength, right.minLength);
  const maxLength = lower(left.maxLength, right.maxLength);
  if (isEmptyRange(minLength, maxLength)) return undefined;
  const fresh = right.forms.filter(
    ({ source, mark }) =>
      !left.forms.some((form) => form.source === source && form.mark.keyword === mark.keyword),
  );
  return { type: "string", excluded, minLength, maxLength, forms: [...left.forms, ...fresh] };
}

function arrays(left: ArrayCase, right: ArrayCase, excluded: readonly Exclusion[]): ArrayCase | undefined {
  const minItems = higher(left.minItems, right.minItems);
  const maxItems = lower(left.maxItems, right.maxItems);
  if (isEmptyRange(minItems, maxItems)) return undefined;
  const prefix = Array.from({ length: Math.max(left.prefix.length, right.prefix.length) }, (_, place) => [
    ...(left.prefix[place] ?? left.rest),
    ...(right.prefix[place] ?? right.rest),
  ]);
  return {
    type: "array",
    excluded,
    prefix,
    rest: [...left.rest, ...right.rest],
    minItems,
    maxItems,
    unique: left.unique ?? right.unique,
    contains: [...left.contains, ...right.contains],
  };
}

function objects(
  left: ObjectCase,
  right: ObjectCase,
  excluded: readonly Exclusion[],
): ObjectCase | undefined {
  const minProperties = higher(left.minProperties, right.minProperties);
  const maxProperties = lower(left.maxProperties, right.maxProperties);
  if (isEmptyRange(minProperties, maxProperties)) return undefined;
  return {
    type: "object",
    excluded,
    layers: [...left.layers, ...right.layers.filter((layer) => !left.layers.includes(layer))],
    required: new Set([...left.required, ...right.required]),
    minProperties,
    maxProperties,
    names: [...left.names, ...right.names],
    mark: right.required.size + right.names.length > 0 ? right.mark : left.mark,
  };
}
