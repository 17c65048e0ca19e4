/** Numbers, texts and fixed values as schemas for the grammar compiler. */
import type { Limit, NumberCase, StringCase } from "./json-schema-cases.js";
import { type Mark, refused } from "./json-schema-error.js";
import { formOf } from "./json-schema-forms.js";
import { matches, otherThan, withLength } from "./json-schema-language.js";
import { ANY_TEXT, type Regex } from "./json-schema-regex.js";
import { jsonText } from "./json-schema-text.js";

/** A schema in the part of JSON Schema that the grammar compiler enforces. */
export type Emitted = Readonly<Record<string, unknown>>;

/** The grammar compiler counts repetitions in 32 bits; more do not fit a context anyway. */
export const MOST_COUNT = 2 ** 31 - 1;
/** Largest step of a multiple of which the grammar compiler can build an automaton. */
const MOST_STEP = 1024;
/** Widest range whose multiples are listed. */
const WIDEST_RANGE = 10_000;
/** Integers beyond have no exact neighbours in JSON numbers. */
const MOST_INTEGER = 2 ** 63;
/** Numbers within bounds are written with at most six digits after the point. */
const GRID = 1e6;

/** Longest text or name that is told from all others. */
const LONGEST_LEFT_OUT = 256;

/** A fixed value; objects and arrays part by part, so that spaces are allowed between them. */
export function valueSchema(value: unknown): Emitted {
  if (Array.isArray(value)) {
    const items = value.map(valueSchema);
    if (items.length === 0) return { type: "array", items: false, maxItems: 0 };
    return { type: "array", prefixItems: items, items: false, minItems: items.length };
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    return {
      type: "object",
      properties: Object.fromEntries(entries.map(([name, inner]) => [name, valueSchema(inner)])),
      required: entries.map(([name]) => name),
      additionalProperties: false,
    };
  }
  return { enum: [value] };
}

/** true and false without the excluded ones. */
export function booleanSchema(excluded: readonly unknown[]): readonly Emitted[] {
  const left = [true, false].filter((value) => !excluded.includes(value));
  return left.length === 2 ? [{ type: "boolean" }] : left.map((value) => ({ enum: [value] }));
}

/** A number. Errors: ERR_INVALID_GRAMMAR naming "multipleOf" or a limit that cannot be enforced. */
export function numberSchema(one: NumberCase): readonly Emitted[] {
  const step = one.multiples.length > 0 ? stepOf(one) : undefined;
  if (one.integer || step !== undefined) return integerSchema(one, step);
  const { minimum, maximum } = one;
  if (
    minimum !== undefined &&
    maximum !== undefined &&
    Math.floor(maximum.value * GRID) < Math.ceil(minimum.value * GRID)
  ) {
    throw refused(minimum.mark, "no number with six digits after the point lies within the limits");
  }
  for (const limit of [minimum, maximum]) {
    if (limit !== undefined && Math.abs(limit.value) > MOST_INTEGER)
      throw refused(limit.mark, "the limit is too large");
  }
  return [
    {
      type: "number",
      ...(minimum === undefined
        ? {}
        : { [minimum.exclusive ? "exclusiveMinimum" : "minimum"]: minimum.value }),
      ...(maximum === undefined
        ? {}
        : { [maximum.exclusive ? "exclusiveMaximum" : "maximum"]: maximum.value }),
    },
  ];
}

/** The one whole step that all multiples come to. */
function stepOf({ multiples, integer }: NumberCase): number | undefined {
  const whole = multiples.filter(({ value }) => Number.isInteger(value));
  const broken = multiples.find(({ value }) => !Number.isInteger(value));
  if (broken !== undefined && !(integer && Number.isInteger(1 / broken.value))) {
    throw refused(broken.mark, "steps that are not whole numbers cannot be enforced");
  }
  const step = whole.reduce((common, { value }) => leastCommonMultiple(common, value), 1);
  const [first] = multiples;
  if (step > MOST_STEP && first !== undefined)
    throw refused(first.mark, `expected a step of at most ${MOST_STEP}`);
  return integer && step === 1 ? undefined : step;
}

function leastCommonMultiple(left: number, right: number): number {
  let [a, b] = [left, right];
  while (b !== 0) [a, b] = [b, a % b];
  return (left / a) * right;
}

function integerSchema(one: NumberCase, step: number | undefined): readonly Emitted[] {
  const minimum = wholeLimit(one.minimum, Math.ceil, 1);
  const maximum = wholeLimit(one.maximum, Math.floor, -1);
  const size = (maximum ?? Number.POSITIVE_INFINITY) - (minimum ?? Number.NEGATIVE_INFINITY);
  if (size < 0) return [];
  if (step !== undefined && step > 1 && size >= WIDEST_RANGE && (minimum ?? maximum) !== undefined) {
    const [first] = one.multiples;
    if (first !== undefined)
      throw refused(first.mark, `beside a limit it needs a range of fewer than ${WIDEST_RANGE} numbers`);
  }
  if (step !== undefined && minimum !== undefined && maximum !== undefined) {
    if (Math.floor(maximum / step) < Math.ceil(minimum / step)) return [];
  }
  return [
    {
      type: "integer",
      ...(minimum === undefined ? {} : { minimum }),
      ...(maximum === undefined ? {} : { maximum }),
      ...(step === undefined || step === 1 ? {} : { multipleOf: step }),
    },
  ];
}

/** A limit as the nearest integer inside it. */
function wholeLimit(
  limit: Limit | undefined,
  round: (value: number) => number,
  inward: number,
): number | undefined {
  if (limit === undefined) return undefined;
  const whole = round(limit.value);
  const inside = limit.exclusive && whole === limit.value ? whole + inward : whole;
  if (Math.abs(inside) > MOST_INTEGER) throw refused(limit.mark, "the limit is beyond integers of 64 bits");
  if (Math.abs(inside) === MOST_INTEGER) return inside < 0 ? -(2 ** 63 - 1024) : 2 ** 63 - 1024;
  return inside === 0 ? 0 : inside;
}

/** A text. Errors: ERR_INVALID_GRAMMAR where patterns, formats, lengths and exclusions cannot be joined. */
export function stringSchema(
  one: StringCase,
  excluded: readonly string[],
  at: Mark | undefined,
): readonly Emitted[] {
  const language = stringLanguage(one, excluded, at);
  return language === undefined ? [{ type: "string" }] : [{ type: "string", pattern: patternOf(language) }];
}

/** An expression in the grammar compiler's form, over the text between the quotes. */
export function patternOf(language: Regex): string {
  return `^${jsonText(language)}$`;
}

/** The texts of a case; undefined: every text. */
export function stringLanguage(
  one: StringCase,
  excluded: readonly string[],
  at: Mark | undefined,
): Regex | undefined {
  const { forms, minLength, maxLength } = one;
  const [form, other] = forms;
  if (other !== undefined)
    throw refused(other.mark, "it cannot be enforced together with another pattern or format");
  const limit = minLength ?? maxLength;
  if (form === undefined && limit === undefined && excluded.length === 0) return undefined;
  let language = form === undefined ? ANY_TEXT : formOf(form);
  if (limit !== undefined) {
    const most = maxLength?.value ?? Number.POSITIVE_INFINITY;
    const least = minLength?.value ?? 0;
    if (least > MOST_COUNT) throw refused(limit.mark, `expected at most ${MOST_COUNT}`);
    const bounded = withLength(language, least, most > MOST_COUNT ? Number.POSITIVE_INFINITY : most);
    if (bounded === undefined)
      throw refused(limit.mark, `it cannot be enforced together with the ${form?.mark.keyword}`);
    language = bounded;
  }
  return without(language, one, excluded, at);
}

/** Every text but the given ones. Errors: ERR_INVALID_GRAMMAR for texts too long to spell out. */
export function allBut(texts: readonly string[], at: Mark): Regex {
  if (texts.some((text) => text.length > LONGEST_LEFT_OUT || /\p{Surrogate}/u.test(text))) {
    throw refused(
      at,
      `only well-formed texts of at most ${LONGEST_LEFT_OUT} characters can be told from others`,
    );
  }
  return otherThan(texts);
}

function without(
  language: Regex,
  { forms, minLength, maxLength }: StringCase,
  excluded: readonly string[],
  at: Mark | undefined,
): Regex {
  const within = excluded.filter((text) => matches(language, text));
  if (within.length === 0 || at === undefined) return language;
  if (forms.length > 0 || maxLength !== undefined || (minLength?.value ?? 0) > 1) {
    throw refused(at, "texts cannot be left out beside a pattern, a format or a length");
  }
  return allBut(minLength === undefined ? within : ["", ...within], at);
}
