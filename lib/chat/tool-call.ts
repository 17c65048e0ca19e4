/** Tool definitions and tool calls in OpenAI's shapes, and their checks. */
import { invalid, unsupported } from "./chat-error.js";

/** A function the model may call. */
export interface FunctionTool {
  type: "function";
  function: {
    /** Letters, digits, `_`, `-`, `.`, `/` and `:`, at most 128. */
    name: string;
    description?: string;
    /** JSON schema of the arguments; absent for none. */
    parameters?: Readonly<Record<string, unknown>>;
    /** Arguments are held to the schema by a grammar. */
    strict?: boolean | null;
  };
}

/** OpenAI's tools without a schema, which are refused by name. */
export interface CustomTool {
  type: "custom";
  custom: object;
}

/** A tool as a request gives it. */
export type Tool = FunctionTool | CustomTool;

/** A call of a function, as the model wrote it. */
export interface FunctionToolCall {
  id: string;
  type: "function";
  /** `arguments` is JSON text of an object. */
  function: { name: string; arguments: string };
}

/** OpenAI's call of a custom tool, which is refused by name. */
export interface CustomToolCall {
  id: string;
  type: "custom";
  custom: object;
}

/** A call as a message gives it. */
export type ToolCall = FunctionToolCall | CustomToolCall;

const NAME = /^[\w.\-/:]{1,128}$/;

/** Checks the calls of an assistant's message. Errors: ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED_FIELD. */
export function checkToolCalls(value: unknown, where: string): FunctionToolCall[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(where, "a list of tool calls", value);
  return value.map((call: unknown, index) => checkToolCall(call, `${where}[${index}]`));
}

function checkToolCall(value: unknown, where: string): FunctionToolCall {
  const { id, type = "function", function: called } = fieldsOf(value, where);
  if (typeof id !== "string" || id === "") throw invalid(`${where}.id`, "a text that is not empty", id);
  if (type !== "function") throw unsupported(`${where}.type`, type, 'only "function" is supported');
  const { name, arguments: text } = fieldsOf(called, `${where}.function`);
  checkFunctionName(name, `${where}.function.name`);
  if (typeof text !== "string" || argumentsObject(text) === undefined) {
    throw invalid(`${where}.function.arguments`, "the JSON text of an object", text);
  }
  return { id, type: "function", function: { name: name as string, arguments: text } };
}

/** The object an `arguments` text stands for; empty text stands for none. Undefined where it is no object. */
export function argumentsObject(text: string): Record<string, unknown> | undefined {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Checks the `tools` of a request. Errors: ERR_INVALID_ARGUMENT for a wrong shape, a bad name or two tools of one name,
 * ERR_UNSUPPORTED_FIELD for other kinds of tools.
 */
export function checkTools(value: unknown): FunctionTool[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid("tools", "a list of tools", value);
  const names = new Set<string>();
  return value.map((tool: unknown, index) => {
    const checked = checkTool(tool, `tools[${index}]`);
    const { name } = checked.function;
    if (names.has(name)) throw invalid(`tools[${index}].function.name`, "a name no other tool has", name);
    names.add(name);
    return checked;
  });
}

function checkTool(value: unknown, where: string): FunctionTool {
  const { type, function: definition } = fieldsOf(value, where);
  if (type !== "function") throw unsupported(`${where}.type`, type, 'only "function" is supported');
  return { type, function: checkFunction(fieldsOf(definition, `${where}.function`), `${where}.function`) };
}

/** Checks what a tool says of its function. Errors: ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED_FIELD. */
export function checkFunction(
  definition: Readonly<Record<string, unknown>>,
  where: string,
): FunctionTool["function"] {
  const { name, description, parameters, strict, ...rest } = definition;
  for (const [field, given] of Object.entries(rest)) {
    if (given !== undefined && given !== null) {
      throw unsupported(`${where}.${field}`, given, "remove the field");
    }
  }
  checkFunctionName(name, `${where}.name`);
  if (description !== undefined && description !== null && typeof description !== "string") {
    throw invalid(`${where}.description`, "a string", description);
  }
  if (strict !== undefined && strict !== null && typeof strict !== "boolean") {
    throw invalid(`${where}.strict`, "true or false", strict);
  }
  const schema =
    parameters === undefined || parameters === null
      ? { type: "object", properties: {} }
      : fieldsOf(parameters, `${where}.parameters`);
  return {
    name: name as string,
    ...(typeof description === "string" ? { description } : {}),
    parameters: schema,
    ...(strict === true ? { strict } : {}),
  };
}

function checkFunctionName(name: unknown, where: string): void {
  if (typeof name !== "string" || !NAME.test(name)) {
    throw invalid(where, "1 to 128 letters, digits, _, -, ., / or :", name);
  }
}

function fieldsOf(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(where, "an object", value);
  }
  return value as Record<string, unknown>;
}
