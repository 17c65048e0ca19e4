/** The server's routes as an OpenAPI 3.1 document. Bodies name the fields every client uses; docs/api.md has all of them. */

interface Field {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly items?: object;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Route {
  readonly path: string;
  readonly method: "get" | "post";
  readonly summary: string;
  readonly tag: "OpenAI" | "Cohere" | "Ollama" | "models" | "tokens" | "server";
  readonly body?: { readonly required: readonly string[]; readonly fields: Readonly<Record<string, Field>> };
  /** Content types of a success; JSON unless named. */
  readonly content?: readonly string[];
  readonly parameter?: string;
}

const JSON_TYPE = "application/json";
const TEXT: Field = { type: "string" };
const FLAG: Field = { type: "boolean" };
const MODEL: Field = { type: "string", description: "Name of a model; may be left out where there is one." };
const OBJECTS: Field = { type: "array", items: { type: "object" } };
const SAMPLING: Readonly<Record<string, Field>> = {
  temperature: { type: "number", minimum: 0 },
  top_p: { type: "number", minimum: 0, maximum: 1 },
  top_k: { type: "integer", minimum: 0 },
  min_p: { type: "number", minimum: 0, maximum: 1 },
  seed: { type: "integer" },
  stop: { type: ["string", "array"], items: TEXT },
  stream: FLAG,
  stream_options: { type: "object" },
  n: { type: "integer", minimum: 1, maximum: 128 },
};
const LIMIT: Field = { type: "integer", minimum: 1 };
const OLLAMA_LOADED: Readonly<Record<string, Field>> = {
  model: TEXT,
  options: { type: "object" },
  keep_alive: { type: ["string", "number"] },
};
const OLLAMA_COMMON: Readonly<Record<string, Field>> = {
  ...OLLAMA_LOADED,
  stream: { type: "boolean", description: "Default true." },
};
const STREAMED = [JSON_TYPE, "text/event-stream"] as const;
const LINES = [JSON_TYPE, "application/x-ndjson"] as const;

const TRUNCATE: Field = {
  type: "string",
  enum: ["none", "start", "end"],
  description: 'Where to cut what is too long. Default "none": an error.',
};
const RERANK: Omit<Route, "path"> = {
  method: "post",
  summary: "Documents in the order in which they fit a query",
  tag: "Cohere",
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

const ROUTES: readonly Route[] = [
  {
    path: "/v1/chat/completions",
    method: "post",
    summary: "Answer a chat",
    tag: "OpenAI",
    content: STREAMED,
    body: {
      required: ["messages"],
      fields: {
        model: MODEL,
        messages: OBJECTS,
        max_completion_tokens: LIMIT,
        max_tokens: LIMIT,
        logprobs: FLAG,
        ...SAMPLING,
      },
    },
  },
  {
    path: "/v1/completions",
    method: "post",
    summary: "Continue a text",
    tag: "OpenAI",
    content: STREAMED,
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
    content: STREAMED,
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
  { path: "/v1/models", method: "get", summary: "The models", tag: "OpenAI" },
  { path: "/v1/models/{model}", method: "get", summary: "One model", tag: "OpenAI", parameter: "model" },
  {
    path: "/models/load",
    method: "post",
    summary: "Load a model",
    tag: "models",
    body: { required: [], fields: { model: MODEL } },
  },
  {
    path: "/models/unload",
    method: "post",
    summary: "Unload a model",
    tag: "models",
    body: { required: [], fields: { model: MODEL } },
  },
  {
    path: "/tokenize",
    method: "post",
    summary: "Token ids of a text or a chat",
    tag: "tokens",
    body: {
      required: [],
      fields: { model: MODEL, prompt: TEXT, content: TEXT, messages: OBJECTS, add_special_tokens: FLAG },
    },
  },
  {
    path: "/detokenize",
    method: "post",
    summary: "The text of token ids",
    tag: "tokens",
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
    body: {
      required: ["messages"],
      fields: { model: MODEL, messages: OBJECTS, add_generation_prompt: FLAG },
    },
  },
  {
    path: "/api/chat",
    method: "post",
    summary: "Answer a chat",
    tag: "Ollama",
    content: LINES,
    body: { required: ["model", "messages"], fields: { ...OLLAMA_COMMON, messages: OBJECTS } },
  },
  {
    path: "/api/generate",
    method: "post",
    summary: "Answer a prompt",
    tag: "Ollama",
    content: LINES,
    body: { required: ["model"], fields: { ...OLLAMA_COMMON, prompt: TEXT, system: TEXT, raw: FLAG } },
  },
  {
    path: "/api/embed",
    method: "post",
    summary: "Vectors of texts",
    tag: "Ollama",
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
    body: { required: ["model", "prompt"], fields: { ...OLLAMA_LOADED, prompt: TEXT } },
  },
  { path: "/api/tags", method: "get", summary: "The models", tag: "Ollama" },
  { path: "/api/ps", method: "get", summary: "The loaded models", tag: "Ollama" },
  {
    path: "/api/show",
    method: "post",
    summary: "One model",
    tag: "Ollama",
    body: { required: ["model"], fields: { model: TEXT } },
  },
  { path: "/api/version", method: "get", summary: "The server's version", tag: "Ollama" },
  { path: "/health", method: "get", summary: "The server runs", tag: "server" },
  { path: "/ready", method: "get", summary: "The server takes requests: 200, else 503", tag: "server" },
  { path: "/metrics", method: "get", summary: "Prometheus' metrics", tag: "server", content: ["text/plain"] },
  { path: "/", method: "get", summary: "The chat page", tag: "server", content: ["text/html"] },
  { path: "/openapi.json", method: "get", summary: "This document", tag: "server" },
];

/** The document. */
export function openApiDocument(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of ROUTES) paths[route.path] = { ...paths[route.path], [route.method]: operation(route) };
  return {
    openapi: "3.1.0",
    info: {
      title: "node-mlc",
      version,
      description: "Language models over HTTP, as OpenAI and Ollama serve them.",
    },
    paths,
    components: {
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "Where the server has API keys." },
      },
      schemas: { Error: ERROR_SCHEMA },
    },
    security: [{}, { key: [] }],
  };
}

const ERROR_SCHEMA = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: ["object", "string"],
      description: "Ollama's routes have the message alone.",
      properties: { message: TEXT, type: TEXT, param: { type: ["string", "null"] }, code: TEXT },
    },
  },
};

function operation({ summary, tag, body, content = [JSON_TYPE], parameter }: Route): object {
  const failure = {
    description: "An error",
    content: { [JSON_TYPE]: { schema: { $ref: "#/components/schemas/Error" } } },
  };
  return {
    summary,
    tags: [tag],
    ...(parameter === undefined
      ? {}
      : { parameters: [{ name: parameter, in: "path", required: true, schema: TEXT }] }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              [JSON_TYPE]: { schema: { type: "object", required: body.required, properties: body.fields } },
            },
          },
        }),
    responses: {
      "200": { description: "Done", content: Object.fromEntries(content.map((type) => [type, {}])) },
      default: failure,
    },
  };
}

/** The routes of the document, for checks that none is missing. */
export function documentedRoutes(): string[] {
  return ROUTES.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
}
