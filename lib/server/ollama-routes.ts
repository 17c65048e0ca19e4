/**
 * Ollama's routes, https://github.com/ollama/ollama/blob/main/docs/api.md: its requests become OpenAI bodies, which the engine checks,
 * and the engine's chunks become its lines of JSON.
 */
import type { Hono } from "hono";
import { expectText, unexpected } from "../engine/expectation.js";
import { respondWithAnswer } from "./answer.js";
import type { ModelStatus } from "./model-pool.js";
import { CHAT, createdAt, GENERATE, ollamaFormat, type Shape } from "./ollama-format.js";
import { keepAliveMs, openAiBody, openAiMessages } from "./ollama-request.js";
import { createChat, createText } from "./openai-routes.js";
import {
  closedBody,
  type JsonObject,
  jsonBody,
  type ServerContext,
  type ServerEnv,
  type ServerParts,
} from "./request-context.js";

/** Adds the routes. */
export function addOllamaRoutes(app: Hono<ServerEnv>, parts: ServerParts): void {
  const { pool } = parts;
  app.post("/api/chat", async (context) => {
    const body = await jsonBody(context);
    const { messages } = body;
    if (Array.isArray(messages) && messages.length === 0) return loadOnly(context, parts, body, CHAT);
    const chat = openAiBody(body, ["messages", "tools"]);
    const translated = { ...chat, messages: openAiMessages(messages), tools: body.tools };
    return respond(context, parts, body, translated, CHAT);
  });
  app.post("/api/generate", async (context) => {
    const body = await jsonBody(context);
    const prompt = body.prompt ?? "";
    if (prompt === "") return loadOnly(context, parts, body, GENERATE);
    const common = openAiBody(body, ["prompt", "system", "raw"]);
    if (body.raw === true) return respond(context, parts, body, { ...common, prompt }, GENERATE);
    const user = { role: "user", content: prompt };
    const { system } = body;
    const messages =
      typeof system === "string" && system !== "" ? [{ role: "system", content: system }, user] : [user];
    return respond(context, parts, body, { ...common, messages }, GENERATE);
  });
  app.get("/api/tags", (context) => context.json({ models: pool.status().map(tag) }));
  app.get("/api/ps", (context) => {
    const ready = pool.status().filter(({ state }) => state === "ready");
    return context.json({
      models: ready.map((model) => ({
        ...tag(model),
        expires_at: new Date(model.expiresAt ?? FAR_FUTURE).toISOString(),
        size_vram: 0,
        context_length: model.manifest.limits.contextLength,
      })),
    });
  });
  app.post("/api/show", async (context) => {
    const body = await closedBody(context, ["model", "name", "verbose"]);
    return context.json(show(pool.find(ollamaName(parts, body.model ?? body.name))));
  });
  app.get("/api/version", (context) => context.json({ version: parts.version }));
}

/** Of a model that stays loaded: the year 2100. */
const FAR_FUTURE = Date.UTC(2100, 0);

async function respond(
  context: ServerContext,
  parts: ServerParts,
  body: JsonObject,
  translated: JsonObject,
  shape: Shape,
): Promise<Response> {
  const name = ollamaName(parts, body.model);
  const stream = body.stream ?? true;
  if (typeof stream !== "boolean") throw unexpected("stream", "true or false", stream);
  checkContext(body, parts.pool.find(name));
  const idle = keepAliveMs(body.keep_alive);
  const asked = {
    ...translated,
    model: name,
    stream,
    ...(stream ? { stream_options: { include_usage: true } } : {}),
  };
  const format = ollamaFormat(name, shape);
  const create = "messages" in translated ? createChat : createText;
  try {
    return await respondWithAnswer(context, parts, asked, format, create);
  } finally {
    if (idle !== undefined) parts.pool.keepAlive(name, idle);
  }
}

/** A request without a prompt loads the model, or with `keep_alive: 0` unloads it. */
async function loadOnly(
  context: ServerContext,
  parts: ServerParts,
  body: JsonObject,
  shape: Shape,
): Promise<Response> {
  const { pool } = parts;
  const name = ollamaName(parts, body.model);
  const idle = keepAliveMs(body.keep_alive);
  if (idle === 0) await pool.unload(name);
  else {
    await pool.load(name);
    if (idle !== undefined) pool.keepAlive(name, idle);
  }
  const reason = idle === 0 ? "unload" : "load";
  return context.json({
    model: name,
    created_at: createdAt(),
    ...shape({ content: "" }),
    done: true,
    done_reason: reason,
  });
}

/** Ollama's clients add a tag to names: "name:latest" is "name" where no model has the longer one. */
export function ollamaName({ pool }: ServerParts, model: unknown): string {
  const name = expectText("model", model);
  const names = new Set(pool.status().map((status) => status.name));
  const plain = name.replace(/:latest$/, "");
  return !names.has(name) && names.has(plain) ? plain : name;
}

/** A context that the model was not loaded with cannot be had. */
export function checkContext(body: JsonObject, { manifest }: ModelStatus): void {
  const { num_ctx: wanted } = (body.options ?? {}) as JsonObject;
  const { contextLength } = manifest.limits;
  if (typeof wanted === "number" && wanted > contextLength)
    throw unexpected(
      "options.num_ctx",
      `at most ${contextLength}, what the package was compiled for`,
      wanted,
    );
}

function details({ manifest }: ModelStatus) {
  const { architecture } = manifest.model;
  const parameters = manifest.weights.params.reduce(
    (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
    0,
  );
  return {
    parent_model: "",
    format: "node-mlc",
    family: architecture,
    families: [architecture],
    parameter_size:
      parameters >= 1e9 ? `${(parameters / 1e9).toFixed(1)}B` : `${Math.round(parameters / 1e6)}M`,
    quantization_level: manifest.quantization,
  };
}

function tag(model: ModelStatus) {
  const { name, created, manifest } = model;
  const files = Object.values(manifest.files);
  return {
    name,
    model: name,
    modified_at: new Date(created * 1000).toISOString(),
    size: files.reduce((sum, { bytes }) => sum + bytes, 0),
    digest: manifest.weights.shards.map(({ file }) => manifest.files[file]?.sha256 ?? "").join(""),
    details: details(model),
  };
}

/** Packages of before embeddings lack the function. */
function embeds({ libraries }: ModelStatus["manifest"]): boolean {
  return libraries.every(({ functions }) => functions.some(({ name }) => name === "encode"));
}

function show(model: ModelStatus) {
  const { model: shape, limits, licence } = model.manifest;
  return {
    license: licence.files.join(", "),
    modified_at: new Date(model.created * 1000).toISOString(),
    details: details(model),
    model_info: {
      "general.architecture": shape.architecture,
      "general.basename": shape.name,
      [`${shape.architecture}.context_length`]: limits.contextLength,
      [`${shape.architecture}.embedding_length`]: shape.hiddenSize,
      [`${shape.architecture}.block_count`]: shape.layers,
      [`${shape.architecture}.attention.head_count`]: shape.attentionHeads,
      [`${shape.architecture}.attention.head_count_kv`]: shape.keyValueHeads,
    },
    capabilities: ["completion", ...(embeds(model.manifest) ? ["embedding"] : [])],
  };
}
