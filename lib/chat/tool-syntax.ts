/**
 * How families of models write tool calls, as data. A model's family is known by its chat template, which shows the model how to
 * call; `tool-call-reader.ts` reads all of them while they stream, `tool-grammar.ts` (engine) holds a model to one.
 */

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

const OBJECTS = {
  kind: "objects",
  nameKey: "name",
  argumentsKey: "arguments",
  list: false,
  separator: "",
} as const;
const LIST = { ...OBJECTS, list: true, separator: ", " } as const;
const TAGGED = { kind: "tagged", before: "", after: "", separator: "\n" } as const;
const NAMED = { kind: "named", before: "", after: "", written: "{name}", pattern: /^(.+)$/s } as const;

/** Qwen 2.5 and 3, Hermes, Granite 4 and many others; also what models without a syntax of their own are told to use. */
export const HERMES: ToolSyntax = {
  name: "hermes",
  template: /^(?!.*(?:<arg_key>|<parameter=|<invoke)).*<tool_call>.*arguments/s,
  begin: "<tool_call>\n",
  end: "\n</tool_call>",
  each: true,
  calls: OBJECTS,
};

/** Every family this engine reads, but gpt-oss, whose whole answers are written in channels (see harmony.ts). The first match counts. */
export const TOOL_SYNTAXES: readonly ToolSyntax[] = [
  {
    name: "kimi-k2",
    template: /<\|tool_calls_section_begin\|>/,
    begin: "<|tool_calls_section_begin|>",
    end: "<|tool_calls_section_end|>",
    each: false,
    calls: {
      ...NAMED,
      before: "<|tool_call_begin|>",
      between: "<|tool_call_argument_begin|>",
      after: "<|tool_call_end|>",
      written: "functions.{name}:0",
      pattern: /^(?:functions\.)?(.+?)(?::\d+)?$/s,
      writesId: true,
    },
  },
  {
    name: "deepseek-r1",
    template: /<｜tool▁calls▁begin｜>.*```json/s,
    begin: "<｜tool▁calls▁begin｜>",
    end: "<｜tool▁calls▁end｜>",
    each: false,
    calls: {
      ...NAMED,
      before: "<｜tool▁call▁begin｜>function<｜tool▁sep｜>",
      between: "\n```json\n",
      after: "\n```<｜tool▁call▁end｜>",
    },
  },
  {
    name: "deepseek-v3.1",
    template: /<｜tool▁calls▁begin｜>/,
    begin: "<｜tool▁calls▁begin｜>",
    end: "<｜tool▁calls▁end｜>",
    each: false,
    calls: {
      ...NAMED,
      before: "<｜tool▁call▁begin｜>",
      between: "<｜tool▁sep｜>",
      after: "<｜tool▁call▁end｜>",
    },
  },
  {
    name: "mistral-args",
    template: /\[TOOL_CALLS\].*\[ARGS\]/s,
    begin: "[TOOL_CALLS]",
    end: "",
    each: true,
    calls: { ...NAMED, between: "[ARGS]", pattern: /^(.+?)(?:\[CALL_ID\].*)?$/s },
  },
  {
    name: "mistral",
    template: /\[TOOL_CALLS\]/,
    begin: "[TOOL_CALLS]",
    end: "",
    each: false,
    calls: LIST,
  },
  {
    name: "command",
    template: /<\|START_ACTION\|>/,
    begin: "<|START_ACTION|>",
    end: "<|END_ACTION|>",
    each: false,
    calls: { ...LIST, nameKey: "tool_name", argumentsKey: "parameters" },
  },
  {
    name: "qwen3-coder",
    template: /<tool_call>.*<function=.*<parameter=/s,
    begin: "<tool_call>\n",
    end: "\n</tool_call>",
    each: true,
    calls: {
      ...TAGGED,
      before: "<function=",
      between: ">\n",
      after: "</function>",
      argument: { before: "<parameter=", between: ">\n", after: "\n</parameter>\n" },
    },
  },
  {
    name: "glm-4.5",
    template: /<tool_call>.*<\/arg_key>(?:\n|\\n)/s,
    begin: "<tool_call>",
    end: "</tool_call>",
    each: true,
    calls: {
      ...TAGGED,
      between: "\n",
      argument: { before: "<arg_key>", between: "</arg_key>\n<arg_value>", after: "</arg_value>\n" },
    },
  },
  {
    name: "glm-4.7",
    template: /<tool_call>.*<arg_key>/s,
    begin: "<tool_call>",
    end: "</tool_call>",
    each: true,
    calls: {
      ...TAGGED,
      between: "",
      separator: "",
      argument: { before: "<arg_key>", between: "</arg_key><arg_value>", after: "</arg_value>" },
    },
  },
  {
    name: "minimax-m2",
    template: /<minimax:tool_call>/,
    begin: "<minimax:tool_call>\n",
    end: "\n</minimax:tool_call>",
    each: false,
    calls: {
      ...TAGGED,
      before: '<invoke name="',
      between: '">\n',
      after: "</invoke>",
      argument: { before: '<parameter name="', between: '">', after: "</parameter>\n" },
    },
  },
  {
    name: "functionary-3.2",
    template: />>>all\\n/,
    begin: ">>>",
    end: "",
    each: true,
    speech: "all",
    calls: { ...NAMED, between: "\n" },
  },
  {
    name: "functionary-3.1",
    template: /^(?!.*<parameter=).*<function=/s,
    begin: "<function=",
    end: "</function>",
    each: true,
    calls: { ...NAMED, between: ">" },
  },
  {
    name: "phi-4",
    template: /<\|tool\|>/,
    begin: "<|tool_call|>",
    end: "<|/tool_call|>",
    each: false,
    calls: LIST,
  },
  {
    name: "granite-3",
    template: /<\|tool_call\|>/,
    begin: "<|tool_call|>",
    end: "",
    each: false,
    calls: LIST,
  },
  {
    name: "firefunction",
    template: /functools\[/,
    begin: "functools",
    end: "",
    each: false,
    calls: LIST,
  },
  {
    name: "llama-3",
    template: /"parameters": ?dictionary|<\|python_tag\|>/,
    begin: "<|python_tag|>",
    end: "",
    each: false,
    bare: true,
    calls: { ...OBJECTS, argumentsKey: "parameters", separator: "; " },
  },
  HERMES,
];

/** The syntax of the models that have this template; undefined where none is known. */
export function toolSyntaxOf(template: string): ToolSyntax | undefined {
  return TOOL_SYNTAXES.find((syntax) => syntax.template.test(template));
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
