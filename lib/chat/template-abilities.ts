/**
 * What a chat template can do with tools, found out by rendering small chats: templates differ in whether they list tools, and in
 * the form they want calls in.
 */

import type { ChatTemplate } from "./chat-template.js";
import { CHANNEL_TEMPLATE } from "./harmony.js";
import { toolSyntaxOf } from "./tool-families.js";
import type { ToolSyntax } from "./tool-syntax.js";

/** The form in which a template takes calls that were made. */
export interface CallHistory {
  /** Arguments as objects, not as JSON text. */
  readonly objects: boolean;
  /** Content of a message that only calls. */
  readonly content: "" | null;
}

/** What one template can do. */
export interface TemplateAbilities {
  /** How tools are told to the model: by the variable `tools`, by `tools` of the system message, or not at all. */
  readonly tools: "variable" | "system" | undefined;
  /** Undefined: calls have to be written into the content. */
  readonly history: CallHistory | undefined;
  /** Shows messages of role `tool`. */
  readonly toolRole: boolean;
  readonly systemRole: boolean;
  /** The model's own way to call; undefined where it is not known, or is gpt-oss's. */
  readonly syntax: ToolSyntax | undefined;
  /** The template and its answers are written in gpt-oss's channels. */
  readonly channels: boolean;
}

const NAME = "probe_function";
const KEY = "probe_key";
const RESULT = "probe_result";
const ID = "abcdefgh1";

const PARAMETERS = {
  type: "object",
  properties: { [KEY]: { type: "string", description: "a" } },
  required: [KEY],
};
const TOOLS = [{ type: "function", function: { name: NAME, description: "b", parameters: PARAMETERS } }];
const QUESTION = { role: "user", content: "c" };

const HISTORIES: readonly CallHistory[] = [
  { objects: true, content: "" },
  { objects: true, content: null },
  { objects: false, content: null },
  { objects: false, content: "" },
];

const known = new WeakMap<ChatTemplate, TemplateAbilities>();

/** The abilities of a template, found out once. */
export function abilitiesOf(template: ChatTemplate): TemplateAbilities {
  let abilities = known.get(template);
  if (abilities === undefined) {
    abilities = probe(template);
    known.set(template, abilities);
  }
  return abilities;
}

function probe(template: ChatTemplate): TemplateAbilities {
  const tools = toolsAbility(template);
  const variables = tools === "variable" ? { tools: TOOLS } : {};
  const rendered = (...messages: Record<string, unknown>[]) => attempt(template, messages, variables);
  const channels = CHANNEL_TEMPLATE.test(template.source);
  return {
    tools,
    history: HISTORIES.find((history) => {
      const text = rendered(QUESTION, callMessage(history), resultMessage(RESULT));
      return (
        text.includes(RESULT) &&
        new RegExp(`${KEY}(?:\\W|</?\\w+>){1,8}probe_value`).test(text) &&
        !text.includes(`\\"${KEY}`)
      );
    }),
    toolRole: rendered(QUESTION, { role: "assistant", content: "d" }, resultMessage(RESULT)).includes(RESULT),
    systemRole: rendered({ role: "system", content: RESULT }, QUESTION).includes(RESULT),
    syntax: channels ? undefined : toolSyntaxOf(template.source),
    channels,
  };
}

function toolsAbility(template: ChatTemplate): "variable" | "system" | undefined {
  if (attempt(template, [QUESTION], { tools: TOOLS }).includes(NAME)) return "variable";
  const system = { role: "system", content: "e", tools: JSON.stringify(TOOLS) };
  return attempt(template, [system, QUESTION], {}).includes(NAME) ? "system" : undefined;
}

function callMessage({ objects, content }: CallHistory): Record<string, unknown> {
  const value = { [KEY]: "probe_value" };
  const called = { name: NAME, arguments: objects ? value : JSON.stringify(value) };
  return { role: "assistant", content, tool_calls: [{ id: ID, type: "function", function: called }] };
}

function resultMessage(content: string): Record<string, unknown> {
  return { role: "tool", name: NAME, tool_call_id: ID, content };
}

/** The prompt; "" where the template refuses. */
function attempt(
  template: ChatTemplate,
  messages: readonly Record<string, unknown>[],
  variables: Readonly<Record<string, unknown>>,
): string {
  try {
    return template.render(messages, { variables });
  } catch {
    return "";
  }
}
