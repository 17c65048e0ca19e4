/**
 * Messages and tools as a template takes them. What a template cannot do is written out in a default format: the tools into the
 * system message, calls into the content, results into a user message (docs/tools.md).
 */
import type { ChatTemplate, TemplateMessage } from "./chat-template.js";
import type { PlainAnswer, PlainMessage } from "./message.js";
import { abilitiesOf, type TemplateAbilities } from "./template-abilities.js";
import { argumentsObject, type FunctionTool } from "./tool-call.js";
import { HERMES } from "./tool-families.js";
import { type ToolSyntax, writeCalls } from "./tool-syntax.js";

/** Marks a caller's text so that it cannot become a control token. */
export type Protect = (text: string) => string;

/** How one model is told of tools and calls them. */
export interface ToolPlan {
  readonly abilities: TemplateAbilities;
  /** The default format stands in for what the template cannot do. */
  readonly written: boolean;
  /** How calls are written; undefined for gpt-oss's channels. */
  readonly syntax: ToolSyntax | undefined;
}

/** The plan for a template: its own way where it has one that is known, else the default format. */
export function toolPlanOf(template: ChatTemplate): ToolPlan {
  const abilities = abilitiesOf(template);
  const known = abilities.syntax !== undefined || abilities.channels;
  const written = abilities.tools === undefined || !known;
  return { abilities, written, syntax: written ? HERMES : abilities.syntax };
}

/** What a template is rendered with. Every text of `messages` and `tools` is protected. */
export function promptParts(
  template: ChatTemplate,
  messages: readonly PlainMessage[],
  tools: readonly FunctionTool[],
  protect: Protect,
): { messages: TemplateMessage[]; variables: Readonly<Record<string, unknown>> } {
  const usesTools = tools.length > 0 || messages.some(isAboutTools);
  if (!usesTools)
    return { messages: messages.map((message) => protectFields(message, protect)), variables: {} };
  const plan = toolPlanOf(template);
  const written = resultsAsUser(
    messages.map((message) => asTemplateMessage(message, plan, protect)),
    plan,
  );
  if (tools.length === 0) return { messages: written, variables: {} };
  const listed = protectDeep(tools, protect);
  if (plan.written) {
    const text = toolInstructions(tools, protect);
    return { messages: withInstructions(written, text, plan.abilities.systemRole), variables: {} };
  }
  if (plan.abilities.tools === "variable") return { messages: written, variables: { tools: listed } };
  const json = JSON.stringify((listed as readonly FunctionTool[]).map((tool) => tool.function));
  return { messages: withSystemField(written, { tools: json }), variables: {} };
}

/** The value with every text in it protected, names of members too. */
export function protectDeep(value: unknown, protect: Protect): unknown {
  if (typeof value === "string") return protect(value);
  if (Array.isArray(value)) return value.map((item: unknown) => protectDeep(item, protect));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [protect(key), protectDeep(item, protect)]),
  );
}

function isAboutTools(message: PlainMessage): boolean {
  return message.role === "tool" || (message.role === "assistant" && message.tool_calls !== undefined);
}

function protectFields(message: PlainMessage, protect: Protect): TemplateMessage {
  const { role, ...rest } = message;
  const fields = protectDeep(rest, protect) as Record<string, unknown>;
  // gpt-oss's name of it.
  const thought = fields.reasoning_content;
  return { role, ...fields, ...(thought === undefined ? {} : { thinking: thought }) };
}

function asTemplateMessage(message: PlainMessage, plan: ToolPlan, protect: Protect): TemplateMessage {
  if (message.role !== "assistant" || message.tool_calls === undefined)
    return protectFields(message, protect);
  const { tool_calls: calls, ...rest } = message;
  const fields = protectFields(rest as PlainAnswer, protect);
  const { history } = plan.abilities;
  if (plan.written || history === undefined) {
    const text = writeCalls(
      plan.syntax ?? HERMES,
      calls.map((call) => ({ ...call.function, arguments: call.function.arguments.trim() || "{}" })),
      protect,
    );
    return { ...fields, content: [fields.content, text].filter((part) => part !== "").join("\n") };
  }
  return {
    ...fields,
    content: message.content === "" ? history.content : fields.content,
    tool_calls: calls.map(({ id, type, function: { name, arguments: text } }) => ({
      id: protect(id),
      type,
      function: {
        name: protect(name),
        arguments: history.objects ? protectDeep(argumentsObject(text), protect) : protect(text),
      },
    })),
  };
}

/** Results become user messages where the template has no role for them; those of one answer become one message. */
function resultsAsUser(
  messages: readonly TemplateMessage[],
  { abilities, written }: ToolPlan,
): TemplateMessage[] {
  if (!written && (abilities.history !== undefined || abilities.toolRole)) return [...messages];
  const result: TemplateMessage[] = [];
  let joining = false;
  for (const message of messages) {
    if (message.role !== "tool") {
      result.push(message);
      joining = false;
      continue;
    }
    const text = `<tool_response>\n${message.content}\n</tool_response>`;
    const before = joining ? result.pop() : undefined;
    result.push({ role: "user", content: before === undefined ? text : `${before.content}\n${text}` });
    joining = true;
  }
  return result;
}

/** The default format: what Hermes and Qwen models are told. */
function toolInstructions(tools: readonly FunctionTool[], protect: Protect): string {
  const example = '<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>';
  return [
    "# Tools",
    "You may call one or more functions to assist with the user query.",
    `You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n${tools
      .map((tool) => JSON.stringify(protectDeep(tool, protect)))
      .join("\n")}\n</tools>`,
    `For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:\n${example}`,
  ].join("\n\n");
}

function withInstructions(
  messages: readonly TemplateMessage[],
  text: string,
  systemRole: boolean,
): TemplateMessage[] {
  const role = messages[0]?.role;
  const isSystem = role === "system" || role === "developer";
  const at = isSystem ? 0 : systemRole ? -1 : messages.findIndex((message) => message.role === "user");
  if (at < 0) return [{ role: "system", content: text }, ...messages];
  return messages.map((message, index) => {
    if (index !== at) return message;
    const parts = isSystem ? [message.content, text] : [text, message.content];
    return { ...message, content: parts.join("\n\n") };
  });
}

function withSystemField(
  messages: readonly TemplateMessage[],
  fields: Readonly<Record<string, unknown>>,
): TemplateMessage[] {
  const [first, ...rest] = messages;
  if (first?.role === "system" || first?.role === "developer") return [{ ...first, ...fields }, ...rest];
  return [{ role: "system", content: "", ...fields }, ...messages];
}
