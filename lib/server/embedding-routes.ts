/** Embeddings as OpenAI serves them, and ranking as Cohere, Jina and vLLM do. */
import type { Hono } from "hono";
import { tooMany } from "../engine/embedding-input.js";
import type { EmbeddingCreateParams } from "../engine/embedding-types.js";
import type { RerankParams } from "../engine/rerank.js";
import { respondWhole } from "./answer.js";
import {
  jsonBody,
  type RequestLimits,
  type ServerContext,
  type ServerEnv,
  type ServerParts,
} from "./request-context.js";

/** Adds the routes. */
export function addEmbeddingRoutes(app: Hono<ServerEnv>, parts: ServerParts): void {
  app.post("/v1/embeddings", async (context) => {
    const body = await jsonBody(context);
    checkInputs("input", body.input, parts.limits);
    return respondWhole(context, parts, body, async ({ engine, name }, asked, options) => {
      const made = await engine.embeddings.create(asked as unknown as EmbeddingCreateParams, options);
      return { answer: { ...made, model: name }, tokens: made.usage.total_tokens };
    });
  });
  const rank = async (context: ServerContext) => {
    const body = await jsonBody(context);
    checkInputs("documents", body.documents, parts.limits);
    return respondWhole(context, parts, body, async ({ engine, name }, asked, options) => {
      const ranked = await engine.rerank(asked as unknown as RerankParams, options);
      return { answer: { ...ranked, model: name }, tokens: ranked.usage.total_tokens };
    });
  };
  app.post("/v1/rerank", rank);
  app.post("/rerank", rank);
}

/** A list of token ids is one text. Errors: ERR_INVALID_ARGUMENT for more texts than the server takes. */
export function checkInputs(name: string, inputs: unknown, { maxInputs }: RequestLimits): void {
  if (maxInputs === undefined || !Array.isArray(inputs) || typeof inputs[0] === "number") return;
  if (inputs.length > maxInputs) throw tooMany(`${name} (a limit of this server)`, maxInputs, inputs.length);
}
