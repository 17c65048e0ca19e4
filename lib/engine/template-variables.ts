/** The variables a chat request gives its template: its own, the tools, and how much to think. */
import type { ChatTemplate } from "../chat/chat-template.js";
import type { FunctionTool } from "../chat/tool-call.js";
import { MlcError } from "../errors.js";
import { unexpected } from "./expectation.js";

const EFFORTS: readonly unknown[] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/** Switches that templates know for thinking at all. */
const SWITCHES = ["enable_thinking", "thinking"];

/**
 * `chat_template_kwargs`, the effort to think as the template knows it, and `tools`. A template that knows no effort but a switch
 * gets the switch: on for every effort but "none".
 * Errors: ERR_INVALID_ARGUMENT; ERR_UNSUPPORTED_FIELD for an effort where the template knows neither.
 */
export function templateVariables(
  body: Readonly<Record<string, unknown>>,
  template: ChatTemplate | undefined,
  tools: readonly FunctionTool[],
  effort: unknown,
): Readonly<Record<string, unknown>> | undefined {
  const own = body.chat_template_kwargs ?? {};
  if (typeof own !== "object" || Array.isArray(own))
    throw unexpected("chat_template_kwargs", "an object", own);
  if ("tools" in own) throw unexpected("chat_template_kwargs", "tools as a field of the request", own);
  const variables = {
    ...effortVariables(effort, template),
    ...own,
    ...(tools.length === 0 ? {} : { tools }),
  };
  return Object.keys(variables).length === 0 ? undefined : variables;
}

function effortVariables(
  effort: unknown,
  template: ChatTemplate | undefined,
): Readonly<Record<string, unknown>> {
  if (effort === undefined) return {};
  if (!EFFORTS.includes(effort)) throw unexpected("reasoning_effort", EFFORTS.join(", "), effort);
  const source = template?.source ?? "";
  const known = SWITCHES.filter((name) => new RegExp(`\\b${name}\\b`).test(source));
  const byEffort = /\breasoning_effort\b/.test(source);
  if (!byEffort && !known.includes("enable_thinking")) {
    throw new MlcError(
      "ERR_UNSUPPORTED_FIELD",
      `Expected no reasoning_effort but received "${effort}": this model's chat template does not know how much to think.`,
      { details: { field: "reasoning_effort" } },
    );
  }
  const switches = Object.fromEntries(known.map((name) => [name, effort !== "none"]));
  return byEffort ? { ...switches, reasoning_effort: effort } : switches;
}
