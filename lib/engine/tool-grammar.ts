/** Grammars (structural tags) that hold an answer to tool calls, and that let a model think before what a grammar asks for. */
import type { ReasoningSyntax } from "../chat/reasoning-syntax.js";
import { callFrame, type ToolSyntax } from "../chat/tool-syntax.js";
import { unexpected } from "./expectation.js";
import type { Grammar } from "./grammar.js";
import { checkedSchema } from "./json-schema.js";
import type { ToolUse } from "./tool-choice.js";

/** A part of a structural tag, in xgrammar's JSON. */
type Format = { readonly type: string; readonly [field: string]: unknown };

/** The id of a control token by its spelling; undefined where it is ordinary text. */
export type ControlToken = (spelling: string) => number | undefined;

/** How the model writes what the grammar has to allow. */
export interface GrammarSyntax {
  /** Undefined for gpt-oss's channels. */
  readonly tools: ToolSyntax | undefined;
  readonly reasoning: ReasoningSyntax | undefined;
  readonly inThought: boolean;
  readonly channels: boolean;
  readonly controlToken: ControlToken;
}

/** Spellings that may be control tokens, inside a longer mark. */
const TOKEN_LIKE = /(<[|｜][^<>]*[|｜]>|\[\/?[A-Z_]+\]|<\/?[a-z_:]+>)/;

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
    const plain = syntax.reasoning === undefined && !syntax.channels;
    return asked === undefined || plain
      ? asked
      : tagged(afterThought(inFinal(formatOf(asked), syntax), syntax));
  }
  for (const { function: definition } of use.callable) {
    checkedSchema(definition.parameters ?? {}, { strict: definition.strict === true });
  }
  if (use.required) return tagged(afterThought(demandedCalls(use, syntax), syntax));
  if (asked === undefined) return tagged(afterThought(possibleCalls(use, syntax), syntax));
  return tagged(afterThought(either([inFinal(formatOf(asked), syntax), demandedCalls(use, syntax)]), syntax));
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
  if (tools.each) {
    const call = sequence([...begin, one, ...end]);
    const next = sequence([...(tools.calls.kind === "objects" ? mark("\n") : []), call]);
    return use.parallel ? sequence([call, { type: "star", content: next }]) : call;
  }
  const separator = tools.calls.kind === "objects" ? mark(tools.calls.separator) : [];
  const more: Format[] = use.parallel ? [{ type: "star", content: sequence([...separator, one]) }] : [];
  const isList = tools.calls.kind === "objects" && tools.calls.list;
  const brackets = isList ? { open: mark("["), close: mark("]") } : { open: [], close: [] };
  const bare = tools.bare === true ? [] : begin;
  return sequence([...bare, ...brackets.open, one, ...more, ...brackets.close, ...end]);
}

/** Any text; where it begins a call, a whole one. */
function possibleCalls(use: ToolUse, syntax: GrammarSyntax): Format {
  const { tools } = syntax;
  if (tools === undefined) return either([channelCall(use, syntax), inFinal({ type: "any_text" }, syntax)]);
  const limits = { at_least_one: false, stop_after_first: !use.parallel || !tools.each };
  if (tools.bare === true) {
    const tags = use.callable.map((tool) => {
      const { before, after } = callFrame(tools, tool.function.name);
      return { type: "tag", begin: before, content: schemaOf(tool), end: after };
    });
    return { type: "triggered_tags", triggers: ['{"name": '], tags, ...limits };
  }
  const whole = demandedCalls({ ...use, parallel: use.parallel && !tools.each }, syntax);
  const [first, ...rest] = whole.elements as readonly Format[];
  // What may go on without end needs an end of its own: a list its bracket, else the mark; a mark after the bracket may be missing.
  const star = rest.findIndex((part) => part.type === "star");
  const content = sequence(star < 0 ? rest : rest.slice(0, star + 1));
  const end = star < 0 ? "" : endOf(rest[star + 1]);
  if (first?.type === "token") {
    const begin = { type: "token", token: first.token };
    const tags = [{ type: "tag", begin, content, end }];
    return { type: "token_triggered_tags", trigger_tokens: [first.token], tags, ...limits };
  }
  const begin = String(first?.value);
  return {
    type: "triggered_tags",
    triggers: [begin],
    tags: [{ type: "tag", begin, content, end }],
    ...limits,
  };
}

function callOf(tool: ToolUse["callable"][number], syntax: ToolSyntax, controlToken: ControlToken): Format {
  const { before, after } = callFrame(syntax, tool.function.name);
  return sequence([...literal(before, controlToken), schemaOf(tool), ...literal(after, controlToken)]);
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

function inFinal(format: Format, { channels, controlToken }: GrammarSyntax): Format {
  return channels ? sequence([...literal("<|channel|>final<|message|>", controlToken), format]) : format;
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

function endOf(end: Format | undefined): unknown {
  return end?.type === "token" ? end : String(end?.value);
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

/** A text as control tokens and plain text. */
function literal(text: string, controlToken: ControlToken): Format[] {
  const formats: Format[] = [];
  let plain = "";
  for (const part of text.split(TOKEN_LIKE)) {
    const token = part === "" ? undefined : controlToken(part);
    if (token === undefined) {
      plain += part;
      continue;
    }
    if (plain !== "") formats.push({ type: "const_string", value: plain });
    plain = "";
    formats.push({ type: "token", token });
  }
  if (plain !== "") formats.push({ type: "const_string", value: plain });
  return formats;
}

function sequence(elements: readonly Format[]): Format {
  return { type: "sequence", elements };
}

function either(elements: readonly Format[]): Format {
  const [only] = elements;
  return elements.length === 1 && only !== undefined ? only : { type: "or", elements };
}
