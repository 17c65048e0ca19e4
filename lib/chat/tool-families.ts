/**
 * How families of models write tool calls, as data. A model's family is known by its chat template, which shows the model how to
 * call; `tool-call-reader.ts` reads all of them while they stream, `tool-grammar.ts` (engine) holds a model to one.
 */
import type { ToolSyntax } from "./tool-syntax.js";

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
    calls: { ...NAMED, between: "\n", pattern: /^(\S+)$/ },
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
