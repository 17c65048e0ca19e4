/** Ollama's request bodies as OpenAI's. */
import { unexpected } from "../engine/expectation.js";
import { MlcError } from "../errors.js";
import type { JsonObject } from "./request-context.js";

/** Names of Ollama's `options` that are fields of a body. */
const FIELD_OF_OPTION: Readonly<Record<string, string>> = {
  temperature: "temperature",
  top_k: "top_k",
  top_p: "top_p",
  min_p: "min_p",
  typical_p: "typical_p",
  repeat_last_n: "repeat_last_n",
  repeat_penalty: "repeat_penalty",
  presence_penalty: "presence_penalty",
  frequency_penalty: "frequency_penalty",
  mirostat: "mirostat",
  mirostat_tau: "mirostat_tau",
  mirostat_eta: "mirostat_eta",
  seed: "seed",
  stop: "stop",
  num_predict: "max_tokens",
};

/** Fields of all bodies; the rest are the route's own. */
const COMMON = ["model", "stream", "options", "format", "keep_alive", "think"];

/**
 * The fields of an OpenAI body that say what `body` says beside `own`.
 * Errors: ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED_FIELD for a field or option that has no meaning here.
 */
export function openAiBody(body: JsonObject, own: readonly string[]): JsonObject {
  for (const [field, value] of Object.entries(body)) {
    const empty =
      value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
    if (!empty && !COMMON.includes(field) && !own.includes(field)) throw unsupported(field);
  }
  const options = body.options ?? {};
  if (typeof options !== "object" || Array.isArray(options))
    throw unexpected("options", "an object", options);
  return { ...optionFields(options as JsonObject), ...formatField(body.format), ...thinkField(body.think) };
}

function optionFields(options: JsonObject): JsonObject {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    // Checked against the package; -1 and -2 are Ollama's "as long as it takes".
    if (name === "num_ctx" || value === undefined || value === null) continue;
    if (name === "num_predict" && (value === -1 || value === -2)) continue;
    const field = FIELD_OF_OPTION[name];
    if (field === undefined) throw unsupported(`options.${name}`);
    fields[field] = value;
  }
  return fields;
}

function formatField(format: unknown): JsonObject {
  if (format === undefined || format === null || format === "") return {};
  if (format === "json") return { response_format: { type: "json_object" } };
  if (typeof format !== "object") throw unexpected("format", '"json" or a JSON schema', format);
  return { response_format: { type: "json_schema", json_schema: { name: "format", schema: format } } };
}

/** `true` or how much; `false` is known to templates that can think at all, and nothing to others. */
function thinkField(think: unknown): JsonObject {
  if (think === undefined || think === null) return {};
  if (think === false) return { chat_template_kwargs: { enable_thinking: false } };
  if (think === true) return { reasoning_effort: "medium" };
  if (think === "low" || think === "medium" || think === "high") return { reasoning_effort: think };
  throw unexpected("think", 'true, false, "low", "medium" or "high"', think);
}

/**
 * Ollama's messages: its tool calls have no ids and arguments as objects, a result belongs to the next call that has none yet, and
 * thoughts are called `thinking`. What is no message is left to the engine's check.
 */
export function openAiMessages(messages: unknown): unknown {
  if (!Array.isArray(messages)) return messages;
  let calls = 0;
  const open: string[] = [];
  return messages.map((given: unknown) => {
    if (typeof given !== "object" || given === null) return given;
    const {
      tool_calls: toolCalls,
      tool_name: toolName,
      thinking,
      ...message
    } = given as Record<string, unknown>;
    if (message.role === "tool") {
      const name = toolName === undefined ? {} : { name: toolName };
      return { ...message, ...name, tool_call_id: message.tool_call_id ?? open.shift() ?? "call_none" };
    }
    const thoughts = thinking === undefined || thinking === "" ? {} : { reasoning_content: thinking };
    if (!Array.isArray(toolCalls) || toolCalls.length === 0) return { ...message, ...thoughts };
    const translated = toolCalls.map((call: unknown) => {
      const { id = `call_${++calls}`, function: called } = (call ?? {}) as Record<string, unknown>;
      const { name, arguments: values } = (called ?? {}) as Record<string, unknown>;
      open.push(String(id));
      return {
        id,
        type: "function",
        function: { name, arguments: typeof values === "string" ? values : JSON.stringify(values ?? {}) },
      };
    });
    return { ...message, ...thoughts, tool_calls: translated };
  });
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `keep_alive` in milliseconds: seconds as a number, or a duration such as "5m" or "1h30m"; negative: for ever. */
export function keepAliveMs(value: unknown): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "number") return value < 0 ? Number.POSITIVE_INFINITY : value * 1000;
  const match = typeof value === "string" ? /^(-)?((?:\d+(?:\.\d+)?(?:ms|s|m|h))+|\d+)$/.exec(value) : null;
  if (match === null) throw unexpected("keep_alive", 'seconds or a duration such as "5m"', value);
  if (match[1] === "-") return Number.POSITIVE_INFINITY;
  const text = match[2] ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g);
  return [...parts].reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS[unit ?? ""] ?? 0), 0);
}

function unsupported(field: string): MlcError {
  return new MlcError(
    "ERR_UNSUPPORTED_FIELD",
    `Expected no ${field} but received one: it is not supported, remove it.`,
    {
      details: { field },
    },
  );
}
