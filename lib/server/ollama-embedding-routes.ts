/** Ollama's embeddings, https://github.com/ollama/ollama/blob/main/docs/api.md: its bodies become OpenAI's. */
import type { Hono } from "hono";
import type { CreateEmbeddingResponse, EmbeddingCreateParams } from "../engine/embedding-types.js";
import { expectBoolean, unexpected } from "../engine/expectation.js";
import { respondWhole } from "./answer.js";
import { checkInputs } from "./embedding-routes.js";
import { keepAliveMs, openAiBody } from "./ollama-request.js";
import { checkContext, ollamaName } from "./ollama-routes.js";
import {
  closedBody,
  type JsonObject,
  type ServerContext,
  type ServerEnv,
  type ServerParts,
} from "./request-context.js";

const COMMON = ["model", "options", "keep_alive"];

/** Adds the routes. */
export function addOllamaEmbeddingRoutes(app: Hono<ServerEnv>, parts: ServerParts): void {
  app.post("/api/embed", async (context) => {
    const body = await closedBody(context, [...COMMON, "input", "truncate", "dimensions"]);
    const { input, dimensions } = body;
    checkInputs("input", input, parts.limits);
    const truncate = expectBoolean("truncate", body.truncate ?? true) ? "end" : "none";
    const startedAt = performance.now();
    return respond(context, parts, body, { input, truncate, dimensions }, (made, model, loadMs) => ({
      model,
      embeddings: made?.data.map(({ embedding }) => embedding) ?? [],
      total_duration: nanoseconds(performance.now() - startedAt),
      load_duration: nanoseconds(loadMs),
      prompt_eval_count: made?.usage.prompt_tokens ?? 0,
    }));
  });
  // The older route: one text, and its vector as the model gives it.
  app.post("/api/embeddings", async (context) => {
    const body = await closedBody(context, [...COMMON, "prompt"]);
    const prompt = body.prompt ?? "";
    if (typeof prompt !== "string") throw unexpected("prompt", "a text", prompt);
    return respond(context, parts, body, { input: prompt, normalize: false }, (made) => ({
      embedding: made?.data[0]?.embedding ?? [],
    }));
  });
}

/** Without texts the model is loaded, and nothing more. */
async function respond(
  context: ServerContext,
  parts: ServerParts,
  body: JsonObject,
  asked: JsonObject,
  answerOf: (made: CreateEmbeddingResponse | undefined, model: string, loadMs: number) => object,
): Promise<Response> {
  const { pool } = parts;
  const model = ollamaName(parts, body.model);
  checkContext(body, pool.find(model));
  const idle = keepAliveMs(body.keep_alive);
  // Only embeddings' own fields may come of them: the engine refuses others.
  const options = openAiBody({ options: body.options }, []);
  const { input } = asked;
  const empty = input === undefined || input === "" || (Array.isArray(input) && input.length === 0);
  const startedAt = performance.now();
  try {
    return await respondWhole(context, parts, { ...options, ...asked, model }, async (lease, made, call) => {
      const loadMs = performance.now() - startedAt;
      if (empty) return { answer: answerOf(undefined, model, loadMs), tokens: 0 };
      const vectors = await lease.engine.embeddings.create(
        { ...(made as unknown as EmbeddingCreateParams), encoding_format: "float" },
        call,
      );
      return { answer: answerOf(vectors, model, loadMs), tokens: vectors.usage.total_tokens };
    });
  } finally {
    if (idle !== undefined) pool.keepAlive(model, idle);
  }
}

function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}
