/**
 * What holds arguments between marks to their schema. Texts stand there as they are, so that none of them can hold the mark after it;
 * what they say is read by tagged-call-reader.ts, and by nothing but the kinds that the schema allows.
 */
import { argumentKinds, isJsonOf, type JsonKinds } from "../chat/argument-kinds.js";
import { argumentMarks } from "../chat/tagged-call-reader.js";
import type { TaggedCalls } from "../chat/tool-syntax.js";
import { SchemaAlgebra } from "./json-schema-algebra.js";
import { type Case, isFree, type StringCase } from "./json-schema-cases.js";
import { refused } from "./json-schema-error.js";
import { ASSERTIONS } from "./json-schema-keywords.js";
import { otherThan, within } from "./json-schema-language.js";
import { ANY_TEXT, type CharacterSet, complement, type Regex } from "./json-schema-regex.js";
import { stringLanguage } from "./json-schema-scalars.js";
import { type Location, type SchemaObject, SchemaSource } from "./json-schema-source.js";
import { plainText } from "./json-schema-text.js";
import { type ControlToken, either, type Format, literal, sequence, textWithout } from "./structural-tag.js";

type Schema = Readonly<Record<string, unknown>>;

/** What one list of arguments is written with. */
interface Writing {
  readonly calls: TaggedCalls;
  readonly controlToken: ControlToken;
}

const ALLOWED = new Set(["type", "properties", "required", "additionalProperties", "$ref"]);
/** Characters of a name that the schema does not give. */
const NAME_CHARACTERS: CharacterSet = complement([
  [0, 0x20],
  [0x22, 0x22],
  [0x3c, 0x3c],
  [0x3e, 0x3e],
  [0x7f, 0xa0],
  [0xd800, 0xdfff],
]);
const LONGEST_NAME = 64;
/** A text that is held to an expression never begins a mark. */
const NO_MARK: CharacterSet = complement([[0x3c, 0x3c]]);

/**
 * The arguments of one function, in the order of its schema. Errors: ERR_INVALID_GRAMMAR for what says of all arguments together
 * more than their names and which are required, and for names that the syntax cannot write.
 */
export function taggedArguments(
  parameters: Schema | undefined,
  calls: TaggedCalls,
  controlToken: ControlToken,
): Format[] {
  const writing = { calls, controlToken };
  const given = parameters ?? { type: "object", properties: {}, additionalProperties: false };
  const { schema, pointer } = objectOf(given);
  const named = (schema.properties ?? {}) as Schema;
  const required = new Set((schema.required ?? []) as readonly string[]);
  const rest = schema.additionalProperties ?? true;
  const names = [...new Set([...Object.keys(named), ...required])];
  const formats = names.flatMap((name) => {
    const own = Object.hasOwn(named, name);
    const inner = own ? named[name] : rest;
    const at = own ? `/properties/${escaped(name)}` : "/additionalProperties";
    const value = valueFormats(referring(given, inner, pointer + at), argumentKinds(given, name), writing);
    if (value === undefined) return [];
    const format = sequence([...marked(spelled(name, calls, pointer), writing), ...value]);
    return required.has(name) ? [format] : [{ type: "optional", content: format }];
  });
  if (rest === false) return formats;
  // Of a name that is longer than all that the schema gives.
  const kinds = argumentKinds(given, `${names.join("")}_`);
  const value = valueFormats(referring(given, rest, `${pointer}/additionalProperties`), kinds, writing);
  if (value === undefined) return formats;
  const { argument } = calls;
  const other: Format[] = [
    ...literal(argument.before, controlToken),
    { type: "regex", pattern: otherName(names) },
    ...literal(argument.between, controlToken),
    ...value,
  ];
  return [...formats, { type: "star", content: sequence(other) }];
}

/** The schema of all arguments, references followed. */
function objectOf(parameters: Schema): { schema: SchemaObject; pointer: string } {
  const source = new SchemaSource(parameters);
  let place: Location = source.root;
  for (let count = 0; typeof place.schema === "object" && place.schema.$ref !== undefined; count++) {
    const beside = Object.keys(place.schema).find((name) => name !== "$ref" && ASSERTIONS.has(name));
    if (beside !== undefined || count > 64) throw unwritten(beside ?? "$ref", place.pointer);
    place = source.resolve(place, place.schema.$ref);
  }
  const { schema, pointer } = place;
  if (typeof schema === "boolean") throw unwritten(String(schema), pointer);
  const keyword = Object.keys(schema).find((name) => ASSERTIONS.has(name) && !ALLOWED.has(name));
  if (keyword !== undefined) throw unwritten(keyword, pointer);
  if (schema.type !== undefined && schema.type !== "object") throw unwritten("type", pointer);
  return { schema, pointer };
}

function unwritten(keyword: string, pointer: string) {
  return refused(
    { keyword, pointer },
    'this model writes arguments one by one, so that their schema may say "properties", "required" and "additionalProperties" alone',
  );
}

/** A part of a schema as a schema of its own, with what its references lead to. */
function referring(root: Schema, part: unknown, pointer: string): unknown {
  if (!JSON.stringify(part)?.includes('"$ref"')) return part;
  const id = typeof root.$id === "string" ? root.$id : "arguments";
  return { $ref: `${id}#${encodeURI(pointer)}`, $defs: { arguments: { ...root, $id: id } } };
}

function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** The name of an argument as it is written. */
function spelled(name: string, calls: TaggedCalls, pointer: string): string {
  const { keyEnd, longestKey } = argumentMarks(calls);
  if (name.includes(keyEnd) || name.length > longestKey) {
    throw refused(
      { keyword: "properties", pointer },
      `this model's calls cannot name an argument ${JSON.stringify(name.slice(0, 80))}; expected at most ${longestKey} characters without ${keyEnd}`,
    );
  }
  return name;
}

function marked(name: string, { calls: { argument }, controlToken }: Writing): Format[] {
  return literal(`${argument.before}${name}${argument.between}`, controlToken);
}

function otherName(names: readonly string[]): string {
  const language = within(otherThan(["", ...names]), NAME_CHARACTERS, LONGEST_NAME);
  return `^${plainText(language as Regex)}$`;
}

/** A value and the mark after it; undefined where no value satisfies the schema. */
function valueFormats(schema: unknown, kinds: JsonKinds, writing: Writing): Format[] | undefined {
  const source = new SchemaSource(schema);
  const cases = new SchemaAlgebra(source).cases([source.root]);
  if (cases.length === 0) return undefined;
  const after = literal(writing.calls.argument.after, writing.controlToken);
  if (kinds.has("string")) {
    if (kinds.size === 1) return [either(cases.flatMap((one) => stringFormats(one, writing, after)))];
    if (isAnyText(cases, kinds)) return [textWithout(argumentMarks(writing.calls).mark), ...after];
    const listed = cases.map(valuesOf);
    const texts = listed.flatMap((values) => (values ?? []).map((value) => textOf(value, kinds)));
    if (!listed.includes(undefined)) return [either(constants(texts, writing)), ...after];
  }
  return [{ type: "json_schema", json_schema: schema }, ...after];
}

/** Whether every text is read as a value of the cases. */
function isAnyText(cases: readonly Case[], kinds: JsonKinds): boolean {
  const isWhole = (one: Case) => one.type === "number" && isFree({ ...one, integer: false });
  return [...kinds].every((kind) =>
    cases.some((one) => (kind === "integer" && isWhole(one)) || (one.type === kind && isFree(one))),
  );
}

/** The values of a case that has few; undefined for many. */
function valuesOf(one: Case): readonly unknown[] | undefined {
  if (one.type === "values") return one.values;
  if (one.type !== "null" && one.type !== "boolean") return undefined;
  const excluded = one.excluded.flatMap(({ values }) => values);
  return (one.type === "null" ? [null] : [true, false]).filter((value) => !excluded.includes(value));
}

/** A value as it is written where texts and other values may stand. */
function textOf(value: unknown, kinds: JsonKinds): string {
  return typeof value === "string" && !isJsonOf(kinds, value) ? value : JSON.stringify(value);
}

function constants(texts: readonly string[], { calls }: Writing): Format[] {
  const { mark } = argumentMarks(calls);
  return texts.map((value) => {
    if (!value.includes(mark)) return { type: "const_string", value };
    throw refused(
      { keyword: "enum", pointer: "" },
      `this model's calls cannot hold the text ${JSON.stringify(value)}`,
    );
  });
}

/** The texts of a case and the mark after them. */
function stringFormats(one: Case, writing: Writing, after: readonly Format[]): Format[] {
  if (one.type === "values") {
    return [sequence([either(constants(one.values.map(String), writing)), ...after])];
  }
  if (one.type !== "string") return [];
  const excluded = one.excluded.flatMap(({ values }) => values).map(String);
  if (one.forms.length + excluded.length === 0) return [sequence([...ofLength(one, writing), ...after])];
  const language = stringLanguage(one, excluded, one.excluded[0]?.mark) ?? ANY_TEXT;
  const plain = within(language, NO_MARK);
  const [form] = one.forms;
  if (plain === undefined)
    throw refused(
      form?.mark ?? { keyword: "not", pointer: "" },
      'this model writes such texts without "<" alone',
    );
  return [sequence([{ type: "regex", pattern: `^${plainText(plain)}$` }, ...after])];
}

/** Where a text of a certain length might hold the mark it has no "<". */
function ofLength({ minLength, maxLength }: StringCase, { calls }: Writing): Format[] {
  const least = minLength?.value ?? 0;
  const any = textWithout(argumentMarks(calls).mark);
  if (maxLength !== undefined) return [{ type: "regex", pattern: `^[^<]{${least},${maxLength.value}}$` }];
  return least === 0 ? [any] : [{ type: "regex", pattern: `^[^<]{${least}}$` }, any];
}
