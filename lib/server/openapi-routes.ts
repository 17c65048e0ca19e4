/** The routes that the OpenAPI document describes. Bodies name the fields every client uses; docs/api.md has all of them. */
import type { AnswerName } from "./openapi-answers.js";
import { type Field, FLAG, MESSAGES, SAMPLING, TEXT } from "./openapi-field.js";

/** One route. */
export interface Route {
  readonly path: string;
  readonly method: "get" | "post";
  readonly summary: string;
  readonly tag: "OpenAI" | "Cohere" | "Ollama" | "models" | "tokens" | "server";
  readonly body?: {
    readonly required: readonly string[];
    /** Fields of which one at least is required. */
    readonly oneOf?: readonly string[];
    readonly fields: Readonly<Record<string, Field>>;
  };
  /** What a success is, by content type: of streams each event or line. */
  readonly answer: Readonly<Record<string, AnswerName>>;
  /** What statuses beside 200 and those of errors say. */
  readonly states?: Readonly<Record<string, AnswerName>>;
  readonly parameter?: string;
}

export const JSON_TYPE = "application/json";
/** An answer that is JSON. */
export const whole = (name: AnswerName) => ({ [JSON_TYPE]: name });
const events = (name: AnswerName, part: AnswerName) => ({ ...whole(name), "text/event-stream": part });
const lines = (name: AnswerName) => ({ ...whole(name), "application/x-ndjson": name });
const MODEL: Field = { type: "string", description: "Name of a model; may be left out where there is one." };
const OBJECTS: Field = { type: "array", items: { type: "object" } };
const LIMIT: Field = { type: "integer", minimum: 1 };
const OLLAMA_LOADED: Readonly<Record<string, Field>> = {
  model: TEXT,
  options: { type: "object" },
  keep_alive: { type: ["string", "number"] },
};
const OLLAMA_COMMON: Readonly<Record<string, Field>> = {
  ...OLLAMA_LOADED,
  stream: { type: "boolean", description: "Default true." },
  format: { type: ["string", "object"], description: '"json" or a JSON schema.' },
  think: { type: ["boolean", "string"] },
};
const TRUNCATE: Field = {
  type: "string",
  enum: ["none", "start", "end"],
  description: 'Where to cut what is too long. Default "none": an error.',
};
const RERANK: Omit<Route, "path"> = {
  method: "post",
  summary: "Documents in the order in which they fit a query",
  tag: "Cohere",
  answer: whole("Ranking"),
  body: {
    required: ["query", "documents"],
    fields: {
      model: MODEL,
      query: TEXT,
      documents: { type: "array", items: { type: ["string", "object"] } },
      top_n: LIMIT,
      return_documents: { type: "boolean", description: "Default true." },
      truncate: TRUNCATE,
    },
  },
};

/** All routes. */
export const ROUTES: readonly Route[] = [
  {
    path: "/v1/chat/completions",
    method: "post",
    summary: "Answer a chat",
    tag: "OpenAI",
    answer: events("ChatCompletion", "ChatCompletionChunk"),
    body: {
      required: ["messages"],
      fields: {
        model: MODEL,
        messages: MESSAGES,
        max_completion_tokens: LIMIT,
        max_tokens: LIMIT,
        logprobs: FLAG,
        tools: OBJECTS,
        tool_choice: { type: ["string", "object"] },
        response_format: { type: "object" },
        ...SAMPLING,
      },
    },
  },
  {
    path: "/v1/completions",
    method: "post",
    summary: "Continue a text",
    tag: "OpenAI",
    answer: events("Completion", "CompletionChunk"),
    body: {
      required: ["prompt"],
      fields: { model: MODEL, prompt: { type: ["string", "array"] }, max_tokens: LIMIT, ...SAMPLING },
    },
  },
  {
    path: "/v1/responses",
    method: "post",
    summary: "Answer an input (nothing is stored)",
    tag: "OpenAI",
    answer: events("Response", "ResponseEvent"),
    body: {
      required: ["input"],
      fields: {
        model: MODEL,
        input: { type: ["string", "array"] },
        instructions: TEXT,
        max_output_tokens: LIMIT,
        tools: OBJECTS,
        tool_choice: { type: ["string", "object"] },
        text: { type: "object" },
        reasoning: { type: "object" },
        temperature: { type: "number", minimum: 0 },
        top_p: { type: "number", minimum: 0, maximum: 1 },
        stream: FLAG,
      },
    },
  },
  {
    path: "/v1/embeddings",
    method: "post",
    summary: "Vectors of texts",
    tag: "OpenAI",
    answer: whole("Embeddings"),
    body: {
      required: ["input"],
      fields: {
        model: MODEL,
        input: { type: ["string", "array"], description: "A text, texts, token ids, or lists of them." },
        encoding_format: { type: "string", enum: ["float", "base64"] },
        dimensions: LIMIT,
        user: TEXT,
        pooling: { type: "string", enum: ["mean", "cls", "last"] },
        normalize: { type: "boolean", description: "Default true." },
        truncate: TRUNCATE,
        prompt: { type: "string", description: "Put before each text." },
        prompt_name: { type: "string", description: "The name of one of the package's prompts instead." },
      },
    },
  },
  ...["/v1/rerank", "/rerank"].map((path) => ({ path, ...RERANK })),
  { path: "/v1/models", method: "get", summary: "The models", tag: "OpenAI", answer: whole("ModelList") },
  {
    path: "/v1/models/{model}",
    method: "get",
    summary: "One model",
    tag: "OpenAI",
    answer: whole("Model"),
    parameter: "model",
  },
  {
    path: "/models/load",
    method: "post",
    summary: "Load a model",
    tag: "models",
    answer: whole("Model"),
    body: { required: [], fields: { model: MODEL } },
  },
  {
    path: "/models/unload",
    method: "post",
    summary: "Unload a model",
    tag: "models",
    answer: whole("Model"),
    body: { required: [], fields: { model: MODEL } },
  },
  {
    path: "/tokenize",
    method: "post",
    summary: "Token ids of a text or a chat",
    tag: "tokens",
    answer: whole("Tokens"),
    body: {
      required: [],
      oneOf: ["prompt", "content", "messages"],
      fields: { model: MODEL, prompt: TEXT, content: TEXT, messages: MESSAGES, add_special_tokens: FLAG },
    },
  },
  {
    path: "/detokenize",
    method: "post",
    summary: "The text of token ids",
    tag: "tokens",
    answer: whole("TokenText"),
    body: {
      required: ["tokens"],
      fields: { model: MODEL, tokens: { type: "array", items: { type: "integer" } } },
    },
  },
  {
    path: "/apply-template",
    method: "post",
    summary: "The prompt text of a chat",
    tag: "tokens",
    answer: whole("Prompt"),
    body: {
      required: ["messages"],
      fields: { model: MODEL, messages: MESSAGES, add_generation_prompt: FLAG },
    },
  },
  {
    path: "/api/chat",
    method: "post",
    summary: "Answer a chat",
    tag: "Ollama",
    answer: lines("OllamaChat"),
    body: {
      required: ["model", "messages"],
      fields: { ...OLLAMA_COMMON, messages: MESSAGES, tools: OBJECTS },
    },
  },
  {
    path: "/api/generate",
    method: "post",
    summary: "Answer a prompt",
    tag: "Ollama",
    answer: lines("OllamaGenerate"),
    body: { required: ["model"], fields: { ...OLLAMA_COMMON, prompt: TEXT, system: TEXT, raw: FLAG } },
  },
  {
    path: "/api/embed",
    method: "post",
    summary: "Vectors of texts",
    tag: "Ollama",
    answer: whole("OllamaEmbed"),
    body: {
      required: ["model", "input"],
      fields: {
        ...OLLAMA_LOADED,
        input: { type: ["string", "array"], items: TEXT },
        truncate: { type: "boolean", description: "Cut what is too long at its end. Default true." },
        dimensions: LIMIT,
      },
    },
  },
  {
    path: "/api/embeddings",
    method: "post",
    summary: "The vector of a text (Ollama's older route)",
    tag: "Ollama",
    answer: whole("OllamaEmbedding"),
    body: { required: ["model", "prompt"], fields: { ...OLLAMA_LOADED, prompt: TEXT } },
  },
  { path: "/api/tags", method: "get", summary: "The models", tag: "Ollama", answer: whole("OllamaModels") },
  {
    path: "/api/ps",
    method: "get",
    summary: "The loaded models",
    tag: "Ollama",
    answer: whole("OllamaModels"),
  },
  {
    path: "/api/show",
    method: "post",
    summary: "One model",
    tag: "Ollama",
    answer: whole("OllamaModel"),
    body: { required: ["model"], fields: { model: TEXT } },
  },
  {
    path: "/api/version",
    method: "get",
    summary: "The server's version",
    tag: "Ollama",
    answer: whole("Version"),
  },
  { path: "/health", method: "get", summary: "The server runs", tag: "server", answer: whole("Status") },
  {
    path: "/ready",
    method: "get",
    summary: "The server takes requests: 200, else 503",
    tag: "server",
    answer: whole("Status"),
    states: { "503": "Status" },
  },
  {
    path: "/metrics",
    method: "get",
    summary: "Prometheus' metrics",
    tag: "server",
    answer: { "text/plain": "Text" },
  },
  { path: "/", method: "get", summary: "The chat page", tag: "server", answer: { "text/html": "Text" } },
  {
    path: "/openapi.json",
    method: "get",
    summary: "This document",
    tag: "server",
    answer: whole("Document"),
  },
];
