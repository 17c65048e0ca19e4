/**
 * What schemas of parsed JSON share: objects that are no lists, numbers that are exact, and faults in this library's words.
 * The schemas themselves are valibot's.
 */
import {
  type BaseIssue,
  check,
  custom,
  finite,
  type GenericSchema,
  gtValue,
  type InferOutput,
  looseObject,
  minValue,
  number,
  type ObjectEntries,
  pipe,
  record,
  safeInteger,
  safeParse,
  strictObject,
} from "valibot";

/** A fault of a value and the keys that lead to it. */
export interface Fault {
  readonly place: readonly (string | number)[];
  /** "expected ... but received ...". */
  readonly message: string;
  /** What was at the place. */
  readonly received: unknown;
}

/** The data where it fits a schema (a copy without keys that could reach a prototype), else its faults: one at least. */
export type Match<T> = { readonly data: T } | { readonly faults: readonly [Fault, ...Fault[]] };

/** Keys that valibot's records pass over. */
export const UNSEEN_KEYS = ["__proto__", "prototype", "constructor"] as const;
const NO_UNSEEN_KEYS = `expected no key ${UNSEEN_KEYS.join(", ")}`;

/** Says what is wanted where the schema's own word would not be understood. */
export function expecting(what: string): (issue: BaseIssue<unknown>) => string {
  return (issue) => `expected ${what} but received ${received(issue)}`;
}

// valibot's objects take lists too, as objects without keys.
const notList = custom<object>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  expecting("object"),
);

/** An object of exactly these fields; an unknown one is a fault. */
export function closedObject<const E extends ObjectEntries>(entries: E) {
  return pipe(notList, strictObject(entries));
}

/** An object that has these fields and any others. */
export function openObject<const E extends ObjectEntries>(entries: E) {
  return pipe(notList, looseObject(entries));
}

/** An object whose keys and values are each of one kind. */
export function keyedObject<K extends GenericSchema<string, string>, V extends GenericSchema>(
  key: K,
  value: V,
) {
  return pipe(
    notList,
    check((keyed) => !UNSEEN_KEYS.some((unseen) => Object.hasOwn(keyed, unseen)), NO_UNSEEN_KEYS),
    record(key, value),
  );
}

/** A finite number; JSON can say 1e999. */
export const finiteNumber = pipe(number(), finite(expecting("a finite number")));

/** A finite number above 0. */
export const moreThanZero = pipe(finiteNumber, gtValue(0));

/** A whole number, at least `least`, that a double holds exactly. */
export function wholeNumber(least: number) {
  return pipe(number(), safeInteger(expecting("an exact integer")), minValue(least));
}

/** Checks a value. */
export function match<S extends GenericSchema>(schema: S, value: unknown): Match<InferOutput<S>> {
  const result = safeParse(schema, value, { message: describe, abortPipeEarly: true });
  if (result.success) return { data: result.output };
  const [first, ...others] = result.issues;
  return { faults: [faultOf(first), ...others.map(faultOf)] };
}

function describe(issue: BaseIssue<unknown>): string {
  if (issue.type !== "strict_object") {
    const of = issue.type.endsWith("_length") ? "length " : "";
    return `expected ${of}${issue.expected} but received ${received(issue)}`;
  }
  return issue.expected === "never"
    ? `unknown field ${received(issue)}`
    : `expected a value but received ${received(issue)}`;
}

/** A text in quotes, of an object its kind only. */
function received({ input, received: kind, type }: BaseIssue<unknown>): string {
  const text = typeof input === "string" && !type.endsWith("_length") ? JSON.stringify(input) : kind;
  return text.slice(0, 80);
}

function faultOf({ path, type, expected, message, input }: BaseIssue<unknown>): Fault {
  const keys = path?.map(({ key }) => (typeof key === "number" ? key : String(key))) ?? [];
  // An unknown field is a fault of the object that has it.
  const place = type === "strict_object" && expected === "never" ? keys.slice(0, -1) : keys;
  return { place, message, received: input };
}
