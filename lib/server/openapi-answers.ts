/** What the server answers, as schemas of the OpenAPI document. Answers may have fields beyond these. */
import { type Field, TEXT } from "./openapi-field.js";

type Fields = Readonly<Record<string, object>>;

const COUNT: Field = { type: "integer", minimum: 0 };
const NUMBER: Field = { type: "number" };
const OBJECT: Field = { type: "object" };
const NUMBERS: Field = { type: "array", items: NUMBER };
const TEXT_OR_NULL: Field = { type: ["string", "null"] };

/** An object with these fields, and `optional` ones where it has them. */
const object = (fields: Fields, optional: Fields = {}) => ({
  type: "object",
  required: Object.keys(fields),
  properties: { ...fields, ...optional },
});
const list = (items: object) => ({ type: "array", items });
const constant = (value: string) => ({ const: value });
const oneOf = (...values: (string | null)[]) => ({ enum: values });
const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });

const ERROR = object({
  error: {
    type: ["object", "string"],
    description: "Ollama's routes have the message alone.",
    required: ["message", "type", "param", "code"],
    properties: { message: TEXT, type: TEXT, param: TEXT_OR_NULL, code: TEXT },
  },
});
/** A part of a stream, which may break off with an error. */
const streamed = (part: object) => ({ anyOf: [part, reference("Error")] });

const USAGE = object({ prompt_tokens: COUNT, completion_tokens: COUNT, total_tokens: COUNT });
const completion = (kind: string, choice: Fields, finish: readonly (string | null)[]) =>
  object(
    {
      id: TEXT,
      object: constant(kind),
      created: COUNT,
      model: TEXT,
      choices: list(
        object({
          index: COUNT,
          logprobs: { type: ["object", "null"] },
          finish_reason: oneOf(...finish),
          ...choice,
        }),
      ),
    },
    { usage: { anyOf: [USAGE, { type: "null" }] } },
  );
const TOOL_CALLS = list(object({ function: object({ arguments: TEXT }) }));
const MESSAGE = object(
  { role: constant("assistant"), content: TEXT_OR_NULL },
  { reasoning_content: TEXT, tool_calls: TOOL_CALLS },
);
const DELTA = {
  type: "object",
  properties: { content: TEXT, reasoning_content: TEXT, tool_calls: TOOL_CALLS },
};
const CHAT_ENDS = ["stop", "length", "tool_calls"];
const TEXT_ENDS = ["stop", "length"];

const MODEL = object({
  id: TEXT,
  object: constant("model"),
  created: COUNT,
  owned_by: TEXT,
  max_model_len: COUNT,
  meta: object({ state: oneOf("unloaded", "loading", "ready"), active: COUNT, bytes: COUNT }),
});

const OLLAMA_TAG = object({
  name: TEXT,
  model: TEXT,
  modified_at: TEXT,
  size: COUNT,
  digest: TEXT,
  details: OBJECT,
});
const ollamaAnswer = (fields: Fields) =>
  streamed(
    object(
      { model: TEXT, created_at: TEXT, done: { type: "boolean" }, ...fields },
      {
        done_reason: oneOf("stop", "length", "load", "unload"),
        total_duration: COUNT,
        prompt_eval_count: COUNT,
        eval_count: COUNT,
      },
    ),
  );

/** The schemas by name. */
export const ANSWERS = {
  Error: ERROR,
  ChatCompletion: completion("chat.completion", { message: MESSAGE }, CHAT_ENDS),
  ChatCompletionChunk: streamed(completion("chat.completion.chunk", { delta: DELTA }, [...CHAT_ENDS, null])),
  Completion: completion("text_completion", { text: TEXT }, TEXT_ENDS),
  CompletionChunk: streamed(completion("text_completion", { text: TEXT }, [...TEXT_ENDS, null])),
  Response: object({
    id: TEXT,
    object: constant("response"),
    created_at: COUNT,
    status: oneOf("in_progress", "completed", "incomplete"),
    model: TEXT,
    output: list(object({ type: oneOf("message", "reasoning", "function_call") })),
    output_text: TEXT,
    usage: { type: ["object", "null"] },
  }),
  ResponseEvent: {
    anyOf: [
      object({ type: { type: "string", pattern: "^response\\." }, sequence_number: COUNT }),
      object({ type: constant("error"), message: TEXT, code: TEXT, param: TEXT_OR_NULL }),
    ],
  },
  Embeddings: object({
    object: constant("list"),
    model: TEXT,
    data: list(
      object({
        object: constant("embedding"),
        index: COUNT,
        embedding: { type: ["array", "string"], items: NUMBER },
      }),
    ),
    usage: object({ prompt_tokens: COUNT, total_tokens: COUNT }),
  }),
  Ranking: object({
    id: TEXT,
    model: TEXT,
    results: list(object({ index: COUNT, relevance_score: NUMBER })),
    usage: object({ total_tokens: COUNT }),
  }),
  ModelList: object({ object: constant("list"), data: list(MODEL) }),
  Model: MODEL,
  Tokens: object({ tokens: list(COUNT), count: COUNT, max_model_len: COUNT }),
  TokenText: object({ prompt: TEXT, content: TEXT }),
  Prompt: object({ prompt: TEXT }),
  OllamaChat: ollamaAnswer({ message: object({ role: constant("assistant"), content: TEXT }) }),
  OllamaGenerate: ollamaAnswer({ response: TEXT }),
  OllamaEmbed: object({
    model: TEXT,
    embeddings: list(NUMBERS),
    total_duration: COUNT,
    prompt_eval_count: COUNT,
  }),
  OllamaEmbedding: object({ embedding: NUMBERS }),
  OllamaModels: object({ models: list(OLLAMA_TAG) }),
  OllamaModel: object({ modified_at: TEXT, details: OBJECT, model_info: OBJECT, capabilities: list(TEXT) }),
  Version: object({ version: TEXT }),
  Status: object({ status: oneOf("ok", "ready", "loading", "draining") }),
  Document: object({ openapi: TEXT, info: OBJECT, paths: OBJECT }),
  Text: TEXT,
} as const;

/** The name of one of them. */
export type AnswerName = keyof typeof ANSWERS;
