/** OpenAI's routes, and those of its kin (vLLM, llama.cpp): models, tokens, templates. */
import type { Hono } from "hono";
import type { ChatMessage } from "../chat/message.js";
import { expectText, unexpected } from "../engine/expectation.js";
import type { ChatCompletionCreateParams, CompletionCreateParams } from "../engine/openai-types.js";
import type { ResponseCreateParams } from "../engine/responses-types.js";
import { type CreateAnswer, respondWithAnswer } from "./answer.js";
import type { ModelStatus } from "./model-pool.js";
import { type CompletionObject, completionFormat, RESPONSE_FORMAT } from "./openai-format.js";
import {
  closedBody,
  type JsonObject,
  jsonBody,
  modelName,
  type ServerContext,
  type ServerEnv,
  type ServerParts,
} from "./request-context.js";

/** A call of one of the completion APIs. */
export type CreateCompletion = CreateAnswer<CompletionObject, CompletionObject>;

/** Chat completions of an engine. The body is the client's: the engine checks it. */
export const createChat: CreateCompletion = ({ engine }, body, options) =>
  engine.chat.completions.create(body as unknown as ChatCompletionCreateParams, options);

/** Text completions of an engine. */
export const createText: CreateCompletion = ({ engine }, body, options) =>
  engine.completions.create(body as unknown as CompletionCreateParams, options);

/** Fields of the chat template. */
const TEMPLATE_FIELDS = ["add_generation_prompt", "chat_template_kwargs"];

/** Adds the routes. */
export function addOpenAiRoutes(app: Hono<ServerEnv>, parts: ServerParts): void {
  const { pool } = parts;
  app.post("/v1/chat/completions", (context) => complete(context, parts, createChat));
  app.post("/v1/completions", (context) => complete(context, parts, createText));
  app.post("/v1/responses", async (context) => {
    const body = await jsonBody(context);
    return respondWithAnswer(context, parts, body, RESPONSE_FORMAT, ({ engine }, asked, options) =>
      engine.responses.create(asked as unknown as ResponseCreateParams, options),
    );
  });
  app.get("/v1/models", (context) => context.json({ object: "list", data: pool.status().map(modelObject) }));
  app.get("/v1/models/:name{.+}", (context) =>
    context.json(modelObject(pool.find(context.req.param("name")))),
  );
  app.post("/models/load", async (context) => {
    const name = modelName(await closedBody(context, ["model"]));
    await pool.load(name);
    return context.json(modelObject(pool.find(name)));
  });
  app.post("/models/unload", async (context) => {
    const name = modelName(await closedBody(context, ["model"]));
    await pool.unload(name);
    return context.json(modelObject(pool.find(name)));
  });
  app.post("/tokenize", async (context) => {
    const body = await closedBody(context, [
      "model",
      "prompt",
      "content",
      "messages",
      "add_special_tokens",
      ...TEMPLATE_FIELDS,
    ]);
    return withEngine(parts, body, ({ engine }) => {
      const { prompt, content = prompt, messages, add_special_tokens: addSpecial } = body;
      const tokens =
        messages === undefined
          ? engine.tokenize(expectText("prompt", content), addSpecial === false ? { addSpecial: false } : {})
          : engine.tokenize(template(engine, body), { special: true });
      return context.json({ tokens, count: tokens.length, max_model_len: engine.plan().context });
    });
  });
  app.post("/detokenize", async (context) => {
    const body = await closedBody(context, ["model", "tokens"]);
    return withEngine(parts, body, ({ engine }) => {
      const { tokens } = body;
      if (!Array.isArray(tokens)) throw unexpected("tokens", "a list of token ids", tokens);
      const text = engine.detokenize(tokens, { special: true });
      return context.json({ prompt: text, content: text });
    });
  });
  app.post("/apply-template", async (context) => {
    const body = await closedBody(context, ["model", "messages", ...TEMPLATE_FIELDS]);
    return withEngine(parts, body, ({ engine }) => context.json({ prompt: template(engine, body) }));
  });
}

/** The usage is always asked for: the key is charged by it. */
async function complete(
  context: ServerContext,
  parts: ServerParts,
  create: CreateCompletion,
): Promise<Response> {
  const body = await jsonBody(context);
  if (body.stream !== true) return respondWithAnswer(context, parts, body, completionFormat(true), create);
  const options = body.stream_options;
  const wanted = typeof options === "object" && options !== null ? (options as JsonObject) : {};
  const streamOptions =
    options === undefined || options === null || options === wanted
      ? { ...wanted, include_usage: true }
      : options;
  const format = completionFormat(wanted.include_usage === true);
  if (wanted.include_usage !== undefined && typeof wanted.include_usage !== "boolean")
    throw unexpected("stream_options.include_usage", "true or false", wanted.include_usage);
  return respondWithAnswer(context, parts, { ...body, stream_options: streamOptions }, format, create);
}

/** Runs a call on the model a body names. */
async function withEngine<Result>(
  { pool }: ServerParts,
  body: JsonObject,
  call: (lease: Awaited<ReturnType<typeof pool.lease>>) => Result,
): Promise<Result> {
  const lease = await pool.lease(modelName(body));
  try {
    return call(lease);
  } finally {
    lease.release();
  }
}

type Templated = { applyChatTemplate(messages: readonly ChatMessage[], options: object): string };

function template(engine: Templated, body: JsonObject): string {
  const {
    messages,
    add_generation_prompt: addGenerationPrompt = true,
    chat_template_kwargs: variables,
  } = body;
  if (typeof addGenerationPrompt !== "boolean")
    throw unexpected("add_generation_prompt", "true or false", addGenerationPrompt);
  return engine.applyChatTemplate(messages as readonly ChatMessage[], {
    addGenerationPrompt,
    ...(typeof variables === "object" && variables !== null ? { variables } : {}),
  });
}

/** OpenAI's model object, and beyond it what the server knows. */
function modelObject({ name, created, state, active, bytes, manifest }: ModelStatus) {
  return {
    id: name,
    object: "model",
    created,
    owned_by: "node-mlc",
    max_model_len: manifest.limits.contextLength,
    meta: {
      state,
      active,
      bytes,
      architecture: manifest.model.architecture,
      quantization: manifest.quantization,
    },
  };
}
