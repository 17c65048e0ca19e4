/** What an answer may look like: the grammars of constrained generation, checked and in the forms that the compiler takes. */
import { MlcError } from "../errors.js";
import type { NativeGrammar } from "../ffi/native-engine.js";
import { shown } from "./expectation.js";
import { checkedSchema } from "./json-schema.js";
import { textPattern } from "./json-schema-text.js";
import { TextRules, withTextRules } from "./text-rules.js";

/**
 * - `json`: any JSON value.
 * - `json_schema`: JSON that the schema accepts; `strict` also asks for what OpenAI's `strict` asks for. Default false.
 * - `ebnf`: a grammar in GBNF notation; `root` names its first rule, default "root".
 * - `regex`: an ECMAScript expression that the whole answer matches.
 * - `choice`: one of the texts.
 * - `structural_tag`: xgrammar's own form, `{"type":"structural_tag","format":{...}}`.
 */
export type Grammar =
  | { readonly type: "json" }
  | {
      readonly type: "json_schema";
      readonly schema: object | boolean;
      readonly strict?: boolean | undefined;
    }
  | { readonly type: "ebnf"; readonly grammar: string; readonly root?: string | undefined }
  | { readonly type: "regex"; readonly pattern: string }
  | { readonly type: "choice"; readonly choices: readonly string[] }
  | { readonly type: "structural_tag"; readonly structuralTag: object };

/** Fields of each form besides `type`. */
const FIELDS: Readonly<Record<Grammar["type"], readonly string[]>> = {
  json: [],
  json_schema: ["schema", "strict"],
  ebnf: ["grammar", "root"],
  regex: ["pattern"],
  choice: ["choices"],
  structural_tag: ["structuralTag"],
};

/** Longest text of a grammar, in UTF-16 units. */
const LONGEST = 1_000_000;
/** Deepest groups and repetitions: the compiler recurses. */
const DEEPEST = 200;
/** Largest bound of a repetition in EBNF, as the compiler writes repetitions out. */
const MOST_REPETITIONS = 10_000;
const MOST_RULES = 5_000;
const MOST_CHOICES = 10_000;
/** A format of structural tags, after which the compiler calls rules: `any_text_1` and so on. */
const ANY_TEXT = "any_text";
/** Longest run of whitespace in JSON within structural tags, unless they say; for schemas alone cpp/grammar/xgrammar.cc has it. */
const MOST_WHITESPACE = 8;

/**
 * The grammar as the native engine takes it; undefined where there is none. JSON schemas, those within structural tags too, are
 * checked keyword by keyword (json-schema.ts). Errors: ERR_INVALID_GRAMMAR.
 */
export function resolveGrammar(grammar: Grammar | undefined): NativeGrammar | undefined {
  if (grammar === undefined) return undefined;
  const given: unknown = grammar;
  if (!isObject(given) || !Object.hasOwn(FIELDS, String(given.type))) {
    const types = Object.keys(FIELDS).join(", ");
    throw invalid(`an object whose type is one of ${types}`, isObject(given) ? given.type : given);
  }
  for (const name of Object.keys(given)) {
    if (name !== "type" && !FIELDS[grammar.type].includes(name))
      throw invalid(`no other field beside type ${grammar.type} than ${FIELDS[grammar.type]}`, name);
  }
  return withinLimits(compilable(grammar));
}

function compilable(grammar: Grammar): NativeGrammar {
  switch (grammar.type) {
    case "json":
      return { kind: "json_schema", text: "{}" };
    case "json_schema":
      return withRules("json_schema", schemaText(grammar.schema, grammar.strict));
    case "ebnf":
      return { kind: "ebnf", text: checkedEbnf(grammar.grammar), root: rootOf(grammar.root) };
    case "regex":
      return patternGrammar(expectString("pattern", grammar.pattern));
    case "choice":
      return { kind: "ebnf", text: choiceRule(grammar.choices), root: "root" };
    case "structural_tag":
      return withRules("structural_tag", structuralTagText(grammar.structuralTag));
  }
}

/** With the strings of the schemas as rules, of which the compiler makes faster masks than of patterns. */
function withRules(kind: "json_schema" | "structural_tag", text: string): NativeGrammar {
  if (!text.includes('"pattern"')) return { kind, text };
  const rules = new TextRules(text.replaceAll(ANY_TEXT, `${ANY_TEXT}_`));
  const named = JSON.stringify(withTextRules(JSON.parse(text), rules));
  return rules.text === "" ? { kind, text } : { kind, text: named, rules: rules.text, prefix: rules.prefix };
}

function patternGrammar(pattern: string): NativeGrammar {
  const text = textPattern(pattern);
  const rules = new TextRules("");
  const root = rules.plain(`^(?:${pattern})$`);
  return root === undefined ? { kind: "regex", text } : { kind: "ebnf", text: rules.text, root };
}

function schemaText(schema: unknown, strict: unknown): string {
  if (strict !== undefined && typeof strict !== "boolean") throw invalid("true or false for strict", strict);
  return checkedSchema(schema, { strict });
}

function rootOf(root: unknown): string {
  const name = root === undefined ? "root" : expectString("root", root);
  if (!/^[A-Za-z_][\w.-]*$/.test(name)) throw invalid("the name of a rule for root", name);
  return name;
}

/** Refuses what would overrun the compiler's stack or memory; all else is the compiler's to judge. */
function checkedEbnf(grammar: unknown): string {
  const text = expectString("grammar", grammar);
  const outside = text.replaceAll(/"(?:[^"\\\n]|\\.)*"|\[(?:[^\]\\\n]|\\.)*\]|#[^\n]*/g, " ");
  let depth = 0;
  for (const character of outside) {
    if (character === "(") depth++;
    if (character === ")") depth--;
    if (depth > DEEPEST) throw invalid(`groups of at most ${DEEPEST} levels`, text);
  }
  if (outside.split("::=").length - 1 > MOST_RULES) throw invalid(`at most ${MOST_RULES} rules`, text);
  for (const [repetition] of outside.matchAll(/\{[^}]*\}/g)) {
    const bounds = repetition.match(/\d+/g) ?? [];
    if (bounds.some((bound) => Number(bound) > MOST_REPETITIONS))
      throw invalid(`repetitions of at most ${MOST_REPETITIONS}`, repetition);
  }
  return text;
}

/** One rule with a literal for each choice. */
function choiceRule(choices: unknown): string {
  if (!Array.isArray(choices) || choices.length === 0 || choices.length > MOST_CHOICES)
    throw invalid(`1 to ${MOST_CHOICES} texts for choices`, choices);
  const literals = choices.map((choice) => ebnfLiteral(expectString("a choice", choice)));
  return `root ::= ${[...new Set(literals)].join(" | ")}`;
}

/** A text as a literal of EBNF. */
function ebnfLiteral(text: string): string {
  let literal = "";
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    if (character === '"' || character === "\\") literal += `\\${character}`;
    else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
      literal += `\\x${code.toString(16).padStart(2, "0")}`;
    else literal += character;
  }
  return `"${literal}"`;
}

/** Structural tags as JSON, with every schema in them checked. */
function structuralTagText(tag: unknown): string {
  if (!isObject(tag) || tag.type !== "structural_tag" || !isObject(tag.format))
    throw invalid('{"type":"structural_tag","format":{...}} for structuralTag', tag);
  return JSON.stringify(withCheckedSchemas(tag, 0));
}

function withCheckedSchemas(node: unknown, depth: number): unknown {
  if (depth > DEEPEST) throw invalid(`a structural tag of at most ${DEEPEST} levels`, node);
  if (Array.isArray(node)) return node.map((item) => withCheckedSchemas(item, depth + 1));
  if (!isObject(node)) return node;
  const entries = Object.entries(node).map(([name, value]) => {
    if (name === "json_schema") return [name, JSON.parse(checkedSchema(value))];
    if (name === "grammar" && node.type === "grammar") return [name, checkedEbnf(value)];
    if (name === "pattern" && node.type === "regex")
      return [name, textPattern(expectString("pattern", value))];
    return [name, withCheckedSchemas(value, depth + 1)];
  });
  const limit = node.type === "json_schema" ? { max_whitespace_cnt: MOST_WHITESPACE } : {};
  return { ...limit, ...Object.fromEntries(entries) };
}

function withinLimits(grammar: NativeGrammar): NativeGrammar {
  if (grammar.text.length > LONGEST)
    throw invalid(`a grammar of at most ${LONGEST} characters`, grammar.text.length);
  return grammar;
}

function expectString(name: string, value: unknown): string {
  if (typeof value !== "string" || /\p{Surrogate}/u.test(value))
    throw invalid(`a well-formed text for ${name}`, value);
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(expected: string, received: unknown): MlcError {
  return new MlcError(
    "ERR_INVALID_GRAMMAR",
    `Expected ${expected} in a grammar but received ${shown(received)}.`,
  );
}
