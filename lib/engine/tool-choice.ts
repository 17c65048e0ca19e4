/** Which functions an answer may or must call. */
import { checkTools, type FunctionTool } from "../chat/tool-call.js";
import { expectBoolean, unexpected } from "./expectation.js";

/** What `tools`, `tool_choice` and `parallel_tool_calls` say together. */
export interface ToolUse {
  /** Told to the model. */
  readonly tools: readonly FunctionTool[];
  /** Those of them that may be called. */
  readonly callable: readonly FunctionTool[];
  /** The answer is a call. */
  readonly required: boolean;
  /** More than one call is allowed. */
  readonly parallel: boolean;
}

const NO_TOOLS: ToolUse = { tools: [], callable: [], required: false, parallel: true };

/** Reads and checks the three fields. With `tool_choice: "none"` the model is not told of any tool. */
export function toolUseOf(body: Readonly<Record<string, unknown>>): ToolUse {
  const tools = checkTools(body.tools);
  const parallel = expectBoolean("parallel_tool_calls", body.parallel_tool_calls ?? true);
  const choice = body.tool_choice ?? (tools.length > 0 ? "auto" : "none");
  if (choice === "none") return NO_TOOLS;
  if (tools.length === 0) throw unexpected("tool_choice", '"none" or no value without tools', choice);
  if (choice === "auto" || choice === "required") {
    return { tools, callable: tools, required: choice === "required", parallel };
  }
  const fields = (typeof choice === "object" ? choice : {}) as Readonly<Record<string, unknown>>;
  if (fields.type === "function") {
    return { tools, callable: [named(tools, choice, "tool_choice")], required: true, parallel: false };
  }
  if (fields.type === "allowed_tools") return { parallel, ...allowed(tools, fields.allowed_tools) };
  throw unexpected("tool_choice", '"none", "auto", "required", a function or allowed_tools', choice);
}

function allowed(tools: readonly FunctionTool[], value: unknown): Omit<ToolUse, "parallel"> {
  const { mode, tools: names } = (typeof value === "object" && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  const where = "tool_choice.allowed_tools";
  if (mode !== "auto" && mode !== "required") throw unexpected(`${where}.mode`, '"auto" or "required"', mode);
  if (!Array.isArray(names) || names.length === 0)
    throw unexpected(`${where}.tools`, "a list of functions", names);
  const callable = names.map((choice, index) => named(tools, choice, `${where}.tools[${index}]`));
  return { tools, callable, required: mode === "required" };
}

function named(tools: readonly FunctionTool[], choice: unknown, where: string): FunctionTool {
  const name = (choice as { function?: { name?: unknown } } | null)?.function?.name;
  const tool = tools.find((known) => known.function.name === name);
  if (tool === undefined) {
    throw unexpected(where, `one of ${tools.map((known) => known.function.name).join(", ")}`, name ?? choice);
  }
  return tool;
}
