/** The ways to write tool calls, in the form in which tool-families.ts declares those of models, and calls written in them. */

import { membersOf } from "./json-reader.js";

/** Calls as JSON objects that hold the name and the arguments. */
export interface ObjectCalls {
  readonly kind: "objects";
  readonly nameKey: string;
  readonly argumentsKey: string;
  /** Written as one list; readers take a list or single objects in either case. */
  readonly list: boolean;
  /** Between two objects. */
  readonly separator: string;
}

/** Calls as a name between marks, then the JSON of the arguments. */
export interface NamedCalls {
  readonly kind: "named";
  readonly before: string;
  readonly between: string;
  readonly after: string;
  /** The name as written; `{name}` stands for it. */
  readonly written: string;
  /** Finds the name in what is written. */
  readonly pattern: RegExp;
  /** What is written is the call's id. */
  readonly writesId?: true;
}

/** Calls as a name, then each argument between marks of its own: texts as they are, other values as JSON. */
export interface TaggedCalls {
  readonly kind: "tagged";
  readonly before: string;
  readonly between: string;
  readonly after: string;
  /** Between two calls. */
  readonly separator: string;
  /** Around an argument's name, and after its value; a line break beside the value is no part of it. */
  readonly argument: { readonly before: string; readonly between: string; readonly after: string };
}

/** A family's way to call tools. */
export interface ToolSyntax {
  readonly name: string;
  /** Matches the templates of this family. */
  readonly template: RegExp;
  /** Begins one call, or all of them. */
  readonly begin: string;
  /** Ends what `begin` began; a model may leave it out. */
  readonly end: string;
  /** Each call has its own `begin` and `end`. */
  readonly each: boolean;
  /** An answer may also begin with the call itself. */
  readonly bare?: true;
  /** Prompts end with `begin`, so that answers begin after it; what stands for a name where the answer is text. */
  readonly speech?: string;
  readonly calls: ObjectCalls | NamedCalls | TaggedCalls;
}

/** How one call to `name` is written around its arguments, without `begin` and `end`. */
export function callFrame({ calls }: ToolSyntax, name: string): { before: string; after: string } {
  if (calls.kind === "objects") {
    const { nameKey, argumentsKey } = calls;
    return { before: `{"${nameKey}": ${JSON.stringify(name)}, "${argumentsKey}": `, after: "}" };
  }
  const written = calls.kind === "named" ? calls.written.replace("{name}", () => name) : name;
  return { before: `${calls.before}${written}${calls.between}`, after: calls.after };
}

/** What stands between two calls. */
export function callSeparator({ calls, each }: ToolSyntax): string {
  if (calls.kind === "named") return "";
  return calls.kind === "objects" && each ? "\n" : calls.separator;
}

/** The text of calls as a model of this family writes them; `protect` is applied to what callers gave. */
export function writeCalls(
  syntax: ToolSyntax,
  calls: readonly { readonly name: string; readonly arguments: string }[],
  protect: (text: string) => string = (text) => text,
): string {
  const { begin, end, each } = syntax;
  const texts = calls.map((call) => {
    const { before, after } = callFrame(syntax, call.name);
    return `${before}${writeArguments(syntax, call.arguments, protect)}${after}`;
  });
  if (each) return texts.map((text) => `${begin}${text}${end}`).join(callSeparator(syntax));
  const isList = syntax.calls.kind === "objects" && syntax.calls.list;
  const joined = texts.join(callSeparator(syntax));
  return `${begin}${isList ? `[${joined}]` : joined}${end}`;
}

function writeArguments({ calls }: ToolSyntax, json: string, protect: (text: string) => string): string {
  if (calls.kind !== "tagged") return protect(json);
  const { before, between, after } = calls.argument;
  const written = membersOf(json).map(([key, value]) => {
    const text: unknown = value.startsWith('"') ? JSON.parse(value) : value;
    return `${before}${protect(key)}${between}${protect(String(text))}${after}`;
  });
  return written.join("");
}

/** Everything the syntax writes beside names and arguments; control tokens among it are part of the answer's text. */
export function syntaxMarks({ begin, end, calls }: ToolSyntax): string {
  if (calls.kind === "objects") return begin + end;
  const { argument } = calls.kind === "tagged" ? calls : { argument: undefined };
  const inner = argument === undefined ? ["[CALL_ID]"] : [argument.before, argument.between, argument.after];
  return [begin, calls.before, calls.between, ...inner, calls.after, end].join("");
}
