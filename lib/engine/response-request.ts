/** A body of the Responses API → the chat request it stands for, and what the response repeats of it. */
import { checkFunction } from "../chat/tool-call.js";
import { MlcError } from "../errors.js";
import { expectBoolean, expectInteger, expectKnownNames, shown, unexpected } from "./expectation.js";
import { generateOptionsOf, streamRequestOf } from "./openai-request.js";
import { GRAMMAR_FIELDS } from "./response-format.js";
import { messagesOf } from "./response-input.js";
import type {
  ResponseCreateParams,
  ResponseEcho,
  ResponseTextFormat,
  ResponseTool,
} from "./responses-types.js";
import type { GenerateOptions } from "./text-generation.js";

type Fields = Readonly<Record<string, unknown>>;

/** A request that has been read. */
export interface ResponseRequest {
  /** Messages, tools, grammar and thoughts in the chat API's fields. */
  readonly chat: Fields;
  readonly options: GenerateOptions;
  readonly echo: ResponseEcho;
  readonly stream: boolean;
}

const GRAMMARS = GRAMMAR_FIELDS.filter((field) => field !== "response_format");

const OWN_FIELDS = [
  "input",
  "instructions",
  "max_output_tokens",
  "truncation",
  "text",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "reasoning",
  "thinking_token_budget",
  "include",
  "background",
  "chat_template_kwargs",
  ...GRAMMARS,
];

const REASONING_NAMES = ["effort", "max_tokens", "summary"];

/** Errors: ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED_FIELD. */
export function responseRequestOf(body: ResponseCreateParams): ResponseRequest {
  const { stream, includeUsage } = streamRequestOf(body);
  const fields: Fields = { ...body };
  if (fields.n != null) throw unsupported("n", fields.n);
  if (includeUsage) throw unsupported("stream_options.include_usage", true);
  checkWithoutEffect(fields);
  const maxTokens =
    fields.max_output_tokens == null
      ? undefined
      : expectInteger("max_output_tokens", fields.max_output_tokens, 1, Number.MAX_SAFE_INTEGER);
  const truncation = truncationOf(fields.truncation);
  const options = {
    ...generateOptionsOf(fields, OWN_FIELDS),
    maxTokens,
    ...(truncation === "auto" ? { overflow: "truncate-oldest" as const } : {}),
  };
  const tools = toolsOf(fields.tools);
  const reasoning = reasoningOf(fields.reasoning);
  const format = formatOf(fields.text);
  const chat = {
    messages: messagesOf(fields.instructions, fields.input),
    tools: tools.map(({ type, ...definition }) => ({ type, function: definition })),
    tool_choice: chatToolChoice(fields.tool_choice),
    parallel_tool_calls: fields.parallel_tool_calls,
    reasoning,
    thinking_token_budget: fields.thinking_token_budget,
    chat_template_kwargs: fields.chat_template_kwargs,
    response_format: chatFormat(format),
    ...Object.fromEntries(GRAMMARS.map((field) => [field, fields[field]])),
  };
  const echo: ResponseEcho = {
    instructions: body.instructions ?? null,
    max_output_tokens: maxTokens ?? null,
    metadata: body.metadata ?? {},
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    reasoning: { effort: body.reasoning?.effort ?? null, summary: null },
    temperature: body.temperature ?? null,
    text: { format },
    tool_choice: body.tool_choice ?? "auto",
    tools,
    top_p: body.top_p ?? null,
    truncation,
  };
  return { chat, options, echo, stream };
}

/** Fields that ask for what happens anyway; any other value is refused. */
function checkWithoutEffect({ include, background }: Fields): void {
  if (background != null && background !== false) throw unsupported("background", background);
  if (include == null) return;
  if (!Array.isArray(include)) throw unexpected("include", "a list", include);
  const other = include.find((name) => name !== "reasoning.encrypted_content");
  if (other !== undefined) throw unsupported("include", other);
}

function truncationOf(value: unknown): "auto" | "disabled" {
  const truncation = value ?? "disabled";
  if (truncation !== "auto" && truncation !== "disabled")
    throw unexpected("truncation", '"auto" or "disabled"', truncation);
  return truncation;
}

function reasoningOf(value: unknown): Fields | undefined {
  if (value == null) return undefined;
  const { summary, ...rest } = objectOf("reasoning", value);
  expectKnownNames("reasoning", value, REASONING_NAMES);
  if (summary != null && summary !== "auto") throw unsupported("reasoning.summary", summary);
  return rest;
}

function toolsOf(value: unknown): ResponseTool[] {
  if (value == null) return [];
  if (!Array.isArray(value)) throw unexpected("tools", "a list of tools", value);
  return value.map((tool, index) => {
    const where = `tools[${index}]`;
    const { type, ...definition } = objectOf(where, tool);
    if (type !== "function") throw unsupported(`${where}.type`, type);
    const { name, description, parameters } = checkFunction(definition, where);
    return {
      type,
      name,
      description: description ?? null,
      parameters: parameters ?? null,
      strict: expectBoolean(`${where}.strict`, definition.strict ?? false),
    };
  });
}

function chatToolChoice(choice: unknown): unknown {
  if (typeof choice !== "object" || choice === null) return choice;
  const { type, name, mode, tools } = choice as Fields;
  if (type === "function") return { type, function: { name } };
  if (type !== "allowed_tools") throw unsupported("tool_choice.type", type);
  const named = Array.isArray(tools) ? tools.map((tool) => ({ function: { name: tool?.name } })) : tools;
  return { type, allowed_tools: { mode, tools: named } };
}

function formatOf(text: unknown): ResponseTextFormat {
  const { format, verbosity, ...rest } = text == null ? {} : objectOf("text", text);
  const [other] = Object.keys(rest);
  if (other !== undefined) throw unsupported(`text.${other}`, rest[other]);
  if (verbosity != null && verbosity !== "medium") throw unsupported("text.verbosity", verbosity);
  if (format == null) return { type: "text" };
  const { type } = objectOf("text.format", format);
  if (type !== "text" && type !== "json_object" && type !== "json_schema")
    throw unexpected("text.format.type", "text, json_object or json_schema", type);
  if (type === "json_schema") objectOf("text.format.schema", (format as Fields).schema);
  return format as ResponseTextFormat;
}

function chatFormat(format: ResponseTextFormat): unknown {
  if (format.type !== "json_schema") return format;
  const { type, name, schema, strict } = format;
  return { type, json_schema: { name, schema, strict } };
}

function objectOf(name: string, value: unknown): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw unexpected(name, "an object", value);
  return value as Fields;
}

function unsupported(field: string, value: unknown): MlcError {
  return new MlcError(
    "ERR_UNSUPPORTED_FIELD",
    `Expected no such ${field} but received ${shown(value)}: it is not supported (docs/api.md), remove it.`,
    { details: { field } },
  );
}
