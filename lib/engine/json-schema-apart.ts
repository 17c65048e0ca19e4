/** Whether two cases can be shown to have no value in common. */
import {
  type ArrayCase,
  type Case,
  intersection,
  type ObjectCase,
  type StringCase,
} from "./json-schema-cases.js";
import { formOf } from "./json-schema-forms.js";
import { lengths, startApart } from "./json-schema-language.js";
import type { Conjunction } from "./json-schema-source.js";
import { propertyOf, satisfies } from "./json-schema-values.js";

/** What knows the cases of schemas inside. */
export interface KnownCases {
  cases(conjunction: Conjunction): readonly Case[];
  accepts(conjunction: Conjunction, value: unknown): boolean;
}

/** How far into properties the proof looks. */
const DEEPEST = 3;

/** True only where no value satisfies both; false where that is not known. */
export function areApart(known: KnownCases, left: Case, right: Case, depth = 0): boolean {
  const [listed, other] = left.type === "values" ? [left, right] : [right, left];
  if (listed.type === "values") return !listed.values.some((value) => satisfies(known, other, value));
  if (left.type !== right.type || intersection(left, right) === undefined) return true;
  if (left.type === "string" && right.type === "string") return stringsApart(left, right);
  if (left.type === "array" && right.type === "array") return arraysApart(known, left, right, depth);
  if (left.type === "object" && right.type === "object") return objectsApart(known, left, right, depth);
  return false;
}

function stringsApart(left: StringCase, right: StringCase): boolean {
  const forms = [left.forms, right.forms].map((list) => list.map(formOf));
  const [own = [], others = []] = forms;
  if (own.some((one) => others.some((other) => startApart(one, other)))) return true;
  const longest = (list: typeof own) => Math.min(...list.map((form) => lengths(form)[1]));
  const shortest = (list: typeof own) => Math.max(0, ...list.map((form) => lengths(form)[0]));
  return longest(own) < shortest(others) || longest(others) < shortest(own);
}

function arraysApart(known: KnownCases, left: ArrayCase, right: ArrayCase, depth: number): boolean {
  const least = Math.max(left.minItems?.value ?? 0, right.minItems?.value ?? 0);
  const places = Math.min(least, Math.max(left.prefix.length, right.prefix.length, 1));
  return Array.from({ length: places }).some((_, place) =>
    schemasApart(known, left.prefix[place] ?? left.rest, right.prefix[place] ?? right.rest, depth),
  );
}

function objectsApart(known: KnownCases, left: ObjectCase, right: ObjectCase, depth: number): boolean {
  return [...left.required, ...right.required].some((name) =>
    schemasApart(known, propertyOf(left, name), propertyOf(right, name), depth),
  );
}

/** A property or item that one side needs and for which no value satisfies both. */
function schemasApart(known: KnownCases, left: Conjunction, right: Conjunction, depth: number): boolean {
  if (depth >= DEEPEST) return false;
  const others = known.cases(right);
  return known.cases(left).every((one) => others.every((other) => areApart(known, one, other, depth + 1)));
}
