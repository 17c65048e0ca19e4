/** Grammars (structural tags) that hold an answer to tool calls, and that let a model think before what a grammar asks for. */
import type { ReasoningSyntax } from "../chat/reasoning-syntax.js";
import { callFrame, callSeparator, type ToolSyntax } from "../chat/tool-syntax.js";
import { unexpected } from "./expectation.js";
import type { Grammar } from "./grammar.js";
import { checkedSchema } from "./json-schema.js";
import {
  type ControlToken,
  either,
  endOf,
  type Format,
  literal,
  sequence,
  textWithout,
} from "./structural-tag.js";
import { taggedArguments } from "./tagged-grammar.js";
import type { ToolUse } from "./tool-choice.js";

/** How the model writes what the grammar has to allow. */
export interface GrammarSyntax {
  /** Undefined for gpt-oss's channels. */
  readonly tools: ToolSyntax | undefined;
  readonly reasoning: ReasoningSyntax | undefined;
  readonly inThought: boolean;
  readonly channels: boolean;
  readonly controlToken: ControlToken;
}

/** Whether a grammar is needed: calls are demanded, limited to one, or a function is strict. */
export function needsToolGrammar({ callable, required, parallel }: ToolUse): boolean {
  return (
    callable.length > 0 && (required || !parallel || callable.some((tool) => tool.function.strict === true))
  );
}

/**
 * The grammar of an answer: `asked` for its text, calls by `use`, thoughts before either. Undefined where nothing is held to anything.
 * Errors: ERR_INVALID_GRAMMAR for a strict schema that is none.
 */
export function answerGrammar(
  asked: Grammar | undefined,
  use: ToolUse,
  syntax: GrammarSyntax,
): Grammar | undefined {
  const calls = needsToolGrammar(use) || (asked !== undefined && use.callable.length > 0);
  if (!calls) {
    const plain = syntax.reasoning === undefined && !syntax.channels && syntax.tools?.speech === undefined;
    return asked === undefined || plain
      ? asked
      : tagged(afterThought(asText(formatOf(asked), syntax), syntax));
  }
  for (const { function: definition } of use.callable) {
    checkedSchema(definition.parameters ?? {}, { strict: definition.strict === true });
  }
  if (use.required) return tagged(afterThought(demandedCalls(use, syntax), syntax));
  if (asked === undefined) return tagged(afterThought(possibleCalls(use, syntax), syntax));
  return tagged(afterThought(either([asText(formatOf(asked), syntax), demandedCalls(use, syntax)]), syntax));
}

function tagged(format: Format): Grammar {
  return { type: "structural_tag", structuralTag: { type: "structural_tag", format } };
}

/** One call or several, and nothing else. */
function demandedCalls(use: ToolUse, syntax: GrammarSyntax): Format {
  if (syntax.tools === undefined) return channelCall(use, syntax);
  const { tools, controlToken } = syntax;
  const mark = (text: string) => literal(text, controlToken);
  const one = either(use.callable.map((tool) => callOf(tool, tools, controlToken)));
  const [begin, end] = [mark(tools.begin), mark(tools.end)];
  // The prompt or nothing at all stands for the first mark.
  const first = tools.bare === true || tools.speech !== undefined ? [] : begin;
  const separator = mark(callSeparator(tools));
  const next = tools.each ? [...separator, ...begin, one, ...end] : [...separator, one];
  const more: Format[] = use.parallel ? [{ type: "star", content: sequence(next) }] : [];
  if (tools.each) return sequence([...first, one, ...end, ...more]);
  const isList = tools.calls.kind === "objects" && tools.calls.list;
  const brackets = isList ? { open: mark("["), close: mark("]") } : { open: [], close: [] };
  return sequence([...first, ...brackets.open, one, ...more, ...brackets.close, ...end]);
}

/** Any text; where it begins a call, a whole one. */
function possibleCalls(use: ToolUse, syntax: GrammarSyntax): Format {
  const { tools } = syntax;
  if (tools === undefined) return either([channelCall(use, syntax), asText({ type: "any_text" }, syntax)]);
  if (tools.bare === true) return textOrBareCalls(use, tools, syntax);
  if (tools.speech !== undefined) return either([demandedCalls(use, syntax), speech(use, tools, syntax)]);
  return textWithCalls(use, tools, syntax);
}

/** Text after the word that begins it; each call begins with its function's name. */
function speech(use: ToolUse, tools: ToolSyntax, syntax: GrammarSyntax): Format {
  const tags = use.callable.map((tool) => {
    const begin = tools.begin + callFrame(tools, tool.function.name).before;
    return { type: "tag", begin, content: schemaOf(tool), end: "" };
  });
  const triggers = tags.map(({ begin }) => begin);
  const limits = { at_least_one: false, stop_after_first: !use.parallel };
  return asText({ type: "triggered_tags", triggers, tags, ...limits }, syntax);
}

/** Calls where the answer begins with a brace or after the mark, else text. */
function textOrBareCalls(use: ToolUse, tools: ToolSyntax, syntax: GrammarSyntax): Format {
  const calls = demandedCalls(use, syntax);
  const mark = literal(tools.begin, syntax.controlToken);
  const [first, second] = [...tools.begin].map((character) => character.replace(/[\\\]^[|-]/, "\\$&"));
  const spaces: Format = { type: "regex", pattern: "^\\s{0,8}$" };
  const begun: Format = { type: "regex", pattern: `^(?:[^\\s{${first}]|${first}[^${second}])$` };
  const marked = sequence([...mark, calls]);
  const text = sequence([begun, textWithout(tools.begin), { type: "optional", content: marked }]);
  return sequence([spaces, { type: "optional", content: either([calls, marked, text]) }]);
}

/** Text in which the mark of a call begins one. */
function textWithCalls(use: ToolUse, tools: ToolSyntax, syntax: GrammarSyntax): Format {
  // Readers take the mark for a call whatever white space follows, and spelled in other tokens, too.
  const mark = tools.begin.trim();
  const whole = demandedCalls({ ...use, parallel: use.parallel && !tools.each }, syntax);
  const [first, ...rest] = whole.elements as readonly Format[];
  const text = textWithout(mark);
  if (!tools.each) return sequence([text, { type: "optional", content: whole }]);
  if (first?.type === "token") {
    const type = use.parallel ? "star" : "optional";
    return sequence([text, { type, content: use.parallel ? sequence([whole, text]) : whole }]);
  }
  const limits = { at_least_one: false, stop_after_first: !use.parallel };
  const tags = [{ type: "tag", begin: String(first?.value), content: sequence(rest), end: "" }];
  return { type: "triggered_tags", triggers: [mark], tags, ...limits };
}

function callOf(tool: ToolUse["callable"][number], syntax: ToolSyntax, controlToken: ControlToken): Format {
  const { before, after } = callFrame(syntax, tool.function.name);
  const { calls } = syntax;
  const written =
    calls.kind === "tagged"
      ? taggedArguments(tool.function.parameters, calls, controlToken)
      : [schemaOf(tool)];
  return sequence([...literal(before, controlToken), ...written, ...literal(after, controlToken)]);
}

/** gpt-oss: `to=functions.NAME` in the channel `commentary`; the token that ends the call ends the answer. */
function channelCall({ callable }: ToolUse, { controlToken }: GrammarSyntax): Format {
  const call = callable.map((tool) =>
    sequence([
      ...literal(
        `<|channel|>commentary to=functions.${tool.function.name} <|constrain|>json<|message|>`,
        controlToken,
      ),
      schemaOf(tool),
    ]),
  );
  return either(call);
}

/** `format` where the model says something, not calls. */
function asText(format: Format, { tools, channels, controlToken }: GrammarSyntax): Format {
  if (channels) return sequence([...literal("<|channel|>final<|message|>", controlToken), format]);
  if (tools?.speech === undefined) return format;
  return sequence([...literal(callFrame(tools, tools.speech).before, controlToken), format]);
}

/** `format` after a thought: one that the prompt has begun, or one that the model may begin. */
function afterThought(
  format: Format,
  { reasoning, inThought, channels, controlToken }: GrammarSyntax,
): Format {
  if (channels) {
    const [end] = literal("<|end|>", controlToken);
    const thought = sequence([
      ...literal("<|channel|>analysis<|message|>", controlToken),
      { type: "tag", begin: "", content: { type: "any_text" }, end: endOf(end) },
      ...literal("<|start|>assistant", controlToken),
    ]);
    return sequence([{ type: "optional", content: thought }, format]);
  }
  if (reasoning === undefined) return format;
  const [end] = literal(reasoning.end, controlToken);
  const rest: Format[] = [
    { type: "tag", begin: "", content: { type: "any_text" }, end: endOf(end) },
    { type: "optional", content: { type: "const_string", value: "\n\n" } },
  ];
  if (inThought) return sequence([...rest, format]);
  const thought = sequence([...literal(reasoning.begin, controlToken), ...rest]);
  return sequence([{ type: "optional", content: thought }, format]);
}

/** A grammar as a part of a structural tag. */
function formatOf(grammar: Grammar): Format {
  switch (grammar.type) {
    case "json":
      return { type: "json_schema", json_schema: {} };
    case "json_schema":
      checkedSchema(grammar.schema, { strict: grammar.strict === true });
      return { type: "json_schema", json_schema: grammar.schema };
    case "regex":
      return { type: "regex", pattern: grammar.pattern };
    case "choice":
      return either(grammar.choices.map((value) => ({ type: "const_string", value })));
    case "ebnf":
      // A format names no first rule.
      if ((grammar.root ?? "root") !== "root")
        throw unexpected("grammar.root", '"root", beside tools or thoughts', grammar.root);
      return { type: "grammar", grammar: grammar.grammar };
    case "structural_tag":
      return (grammar.structuralTag as { format: Format }).format;
  }
}

function schemaOf({ function: { parameters } }: ToolUse["callable"][number]): Format {
  return { type: "json_schema", json_schema: parameters ?? { type: "object", properties: {} } };
}
