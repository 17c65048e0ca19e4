/** Objects as schemas for the grammar compiler: named properties in order, then other ones by the form of their names. */
import { areApart } from "./json-schema-apart.js";
import type { Case, ObjectCase, StringCase } from "./json-schema-cases.js";
import { type Mark, refused } from "./json-schema-error.js";
import { formOf } from "./json-schema-forms.js";
import { isEveryText, lengths, matches, startApart } from "./json-schema-language.js";
import type { Regex } from "./json-schema-regex.js";
import { allBut, type Emitted, MOST_COUNT, patternOf, stringLanguage } from "./json-schema-scalars.js";
import type { Conjunction } from "./json-schema-source.js";
import { propertyOf } from "./json-schema-values.js";

/** What writes schemas inside and knows their cases. */
interface Inner {
  schema(conjunction: Conjunction): Emitted | undefined;
}
interface Known {
  cases(conjunction: Conjunction): readonly Case[];
  accepts(conjunction: Conjunction, value: unknown): boolean;
}

/** Properties that are not named, by the form of their names; undefined: any name. */
interface Others {
  readonly form: Regex | undefined;
  readonly schema: Emitted;
  readonly mark: Mark;
}

/** One object; none where no object satisfies the case. Errors: ERR_INVALID_GRAMMAR naming what cannot be enforced. */
export function objectSchema(one: ObjectCase, inner: Inner, known: Known): readonly Emitted[] {
  const named = namesOf(one, known);
  const properties: [string, Emitted][] = [];
  for (const name of named) {
    const schema = known.accepts(one.names, name) ? inner.schema(propertyOf(one, name)) : undefined;
    if (schema !== undefined) properties.push([name, schema]);
    else if (one.required.has(name)) return [];
  }
  const others = othersOf(one, inner, known);
  const least = one.minProperties?.value ?? 0;
  const most = one.maxProperties?.value ?? Number.POSITIVE_INFINITY;
  const required = properties.map(([name]) => name).filter((name) => one.required.has(name));
  if (required.length > most || (others.length === 0 && properties.length < least)) return [];
  const patternProperties = others.length === 0 ? {} : keysOf(others, named);
  const open = patternProperties === undefined;
  if (least > Math.max(1, required.length) && others.length > 0 && one.minProperties !== undefined) {
    throw refused(
      one.minProperties.mark,
      "a name may come twice; expected at most 1, or named properties only",
    );
  }
  return [
    {
      type: "object",
      ...(properties.length > 0 ? { properties: Object.fromEntries(properties) } : {}),
      ...(required.length > 0 ? { required } : {}),
      ...(open || others.length === 0 ? {} : { patternProperties }),
      additionalProperties: open ? openSchema(others) : false,
      ...(least > required.length ? { minProperties: least } : {}),
      ...(most < (others.length > 0 ? MOST_COUNT : properties.length) ? { maxProperties: most } : {}),
    },
  ];
}

function openSchema([first]: readonly Others[]): Emitted | true {
  return first === undefined || Object.keys(first.schema).length === 0 ? true : first.schema;
}

/** Every name that is treated by itself: named by a layer, required, or one of the few that "propertyNames" lists. */
function namesOf(one: ObjectCase, known: Known): readonly string[] {
  const names = new Set(one.layers.flatMap(({ properties }) => [...properties.keys()]));
  for (const name of one.required) names.add(name);
  for (const name of listedNames(one, known) ?? []) names.add(name);
  return [...names];
}

function listedNames(one: ObjectCase, known: Known): readonly string[] | undefined {
  if (one.names.length === 0) return undefined;
  const cases = known.cases(one.names).filter(({ type }) => type === "values" || type === "string");
  if (cases.some(({ type }) => type === "string")) return undefined;
  return cases
    .flatMap((each) => (each.type === "values" ? each.values : []))
    .filter((value) => typeof value === "string");
}

function othersOf(one: ObjectCase, inner: Inner, known: Known): readonly Others[] {
  if (listedNames(one, known) !== undefined) return [];
  const patterned = one.layers.filter(({ patterns }) => patterns.length > 0);
  const rest = one.layers
    .filter((layer) => !patterned.includes(layer))
    .flatMap(({ additional }) => additional);
  const [layer, second] = patterned;
  const [pattern] = second?.patterns ?? [];
  if (pattern !== undefined)
    throw refused(pattern.mark, "it cannot be enforced together with those of another schema");
  const form = nameForm(one, known);
  const found: Others[] = [];
  for (const each of layer?.patterns ?? []) {
    const schema = inner.schema([...each.schema, ...rest]);
    if (schema !== undefined) found.push({ form: formOf(each), schema, mark: each.mark });
  }
  const whole = layer?.patterns.some((each) => isEveryText(formOf(each))) ?? false;
  const additional = whole ? undefined : inner.schema([...(layer?.additional ?? []), ...rest]);
  if (layer !== undefined)
    checkPatterns(layer.patterns.length, found, additional, layer.patterns[0]?.mark ?? one.mark);
  if (layer === undefined || found.length === 0) {
    if (layer !== undefined && additional !== undefined)
      throw refused(one.mark, "names cannot be left out by a pattern");
    return additional === undefined ? [] : [{ form, schema: additional, mark: one.mark }];
  }
  if (form !== undefined) throw refused(one.mark, 'it cannot be enforced together with "patternProperties"');
  if (additional !== undefined) return [{ form: undefined, schema: additional, mark: one.mark }];
  if (whole) return found.map((others) => ({ ...others, form: undefined }));
  return found;
}

/** Refuses patterns of which several may fit one name, or that leave names to "additionalProperties". */
function checkPatterns(
  given: number,
  found: readonly Others[],
  additional: Emitted | undefined,
  at: Mark,
): void {
  const texts = new Set(found.map(({ schema }) => JSON.stringify(schema)));
  if (additional !== undefined) {
    if (texts.size === 1 && texts.has(JSON.stringify(additional)) && found.length === given) return;
    throw refused(at, 'names that fit no pattern cannot be told apart; set "additionalProperties" to false');
  }
  if (found.length === given && texts.size < 2) return;
  if (found.length < given)
    throw refused(at, "a pattern whose properties are all refused cannot be enforced");
  for (const [index, left] of found.entries()) {
    for (const right of found.slice(index + 1)) {
      if (left.form !== undefined && right.form !== undefined && startApart(left.form, right.form)) continue;
      throw refused(at, "one name may fit two of its patterns");
    }
  }
}

/** The form that "propertyNames" gives names; undefined: any. */
function nameForm(one: ObjectCase, known: Known): Regex | undefined {
  if (one.names.length === 0) return undefined;
  const texts = known.cases(one.names).filter((each): each is StringCase => each.type === "string");
  const [first, second] = texts;
  if (first === undefined) return undefined;
  if (second !== undefined && !areApart(known, first, second)) {
    throw refused(one.mark, "several forms of names cannot be enforced together");
  }
  if (second !== undefined) throw refused(one.mark, "several forms of names cannot be enforced together");
  const [excluded] = first.excluded;
  return stringLanguage(first, first.excluded.flatMap(({ values }) => values).map(String), excluded?.mark);
}

/** Patterns of the names of other properties that spare the named ones; undefined: any name at all. */
function keysOf(others: readonly Others[], named: readonly string[]): Emitted | undefined {
  const entries: [string, Emitted][] = [];
  for (const { form, schema, mark } of others) {
    if (form === undefined && named.length === 0 && others.length === 1) return undefined;
    if (form === undefined) {
      entries.push([patternOf(allBut(named, mark)), schema]);
      continue;
    }
    const taken = named.find((name) => matches(form, name));
    if (taken !== undefined)
      throw refused(mark, `its names cannot be told apart from the property "${taken}"`);
    if (lengths(form)[1] === 0) continue;
    entries.push([patternOf(form), schema]);
  }
  return Object.fromEntries(entries);
}
