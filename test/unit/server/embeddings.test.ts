/** The routes of embeddings and ranking, over a native engine whose vectors count tokens. */
import { afterEach, describe, expect, it } from "vitest";
import { createHandler, type Handler, type HandlerOptions } from "../../../lib/server/handler.js";
import { HIDDEN } from "../../../lib/testing/byte-model.js";
import { fakeEngine, textScript } from "../../support/fake-engine.js";

const handlers: Handler[] = [];
afterEach(async () => {
  for (const handler of handlers.splice(0)) await handler.dispose();
});

async function started(options: Partial<HandlerOptions> = {}) {
  const { engine, native } = await fakeEngine(textScript("unused"));
  const handler = await createHandler({ models: [{ name: "tiny", engine }], ...options });
  handlers.push(handler);
  const post = (path: string, body: object, init: RequestInit = {}) =>
    handler.fetch(
      new Request(`http://localhost${path}`, { method: "POST", body: JSON.stringify(body), ...init }),
    );
  return { engine, native, handler, post };
}

describe("/v1/embeddings", () => {
  it("answers as OpenAI does, under the name the model is served by", async () => {
    const { post, engine, handler } = await started();
    const response = await post("/v1/embeddings", { model: "tiny", input: ["ab", "c"] });
    expect(response.status).toBe(200);
    const body = await response.json();
    const { data } = await engine.embeddings.create({ input: ["ab", "c"] });
    expect(body).toEqual({
      object: "list",
      data,
      model: "tiny",
      usage: { prompt_tokens: 3, total_tokens: 3 },
    });
    const metrics = await (await handler.fetch(new Request("http://localhost/metrics"))).text();
    expect(metrics).toContain('node_mlc_embedded_texts_total{model="tiny"} 4');
    expect(metrics).toContain('route="/v1/embeddings"');
  });

  it("gives base64, and refuses with the place", async () => {
    const { post } = await started();
    const packed = await post("/v1/embeddings", { input: "a", encoding_format: "base64", dimensions: 2 });
    expect(await packed.json()).toMatchObject({ data: [{ embedding: Buffer.alloc(8).toString("base64") }] });
    const refused = await post("/v1/embeddings", { input: ["a", ""] });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      error: { type: "invalid_request_error", param: "input[1]", code: "ERR_INVALID_ARGUMENT" },
    });
    expect((await post("/v1/embeddings", { model: "gpt", input: "a" })).status).toBe(404);
  });

  it("ends with its client, and at the server's time limit", async () => {
    const { post, native, handler } = await started({ timeoutMs: 300 });
    native.embedMs = 200;
    const gone = new AbortController();
    const made = post("/v1/embeddings", { input: "a" }, { signal: gone.signal });
    await expect.poll(() => native.embedded.length).toBe(1);
    gone.abort();
    expect((await made).status).toBe(499);
    expect(native.aborted).toEqual([native.embedded[0]?.id]);
    expect(handler.pool.find("tiny").active).toBe(0);
    native.embedMs = 500;
    expect((await post("/v1/embeddings", { input: "a" })).status).toBe(504);
    expect((await post("/v1/embeddings", { input: "a", timeout_ms: 301 })).status).toBe(400);
  });

  it("keeps the server's limits: texts, tokens of an answer have no meaning, tokens of a key", async () => {
    const apiKeys = [{ key: "k", tokensPerMinute: 2 }];
    const { post } = await started({ maxInputs: 2, maxTokens: 5, apiKeys });
    const headers = { authorization: "Bearer k" };
    const ask = (path: string, body: object) => post(path, body, { headers });
    for (const [path, body] of [
      ["/v1/embeddings", { input: ["a", "b", "c"] }],
      ["/v1/rerank", { query: "a", documents: ["a", "b", "c"] }],
      ["/api/embed", { model: "tiny", input: ["a", "b", "c"] }],
    ] as const) {
      const refused = await ask(path, body);
      expect(refused.status).toBe(400);
      expect(await refused.text()).toContain("a limit of this server");
    }
    expect((await post("/v1/embeddings", { input: "a" })).status).toBe(401);
    expect((await ask("/v1/embeddings", { input: [1, 2, 3] })).status).toBe(200);
    expect((await ask("/v1/embeddings", { input: "a" })).status).toBe(429);
  });
});

describe.each(["/v1/rerank", "/rerank"])("%s", (path) => {
  it("ranks, under the name the model is served by", async () => {
    const { post } = await started();
    const body = { model: "tiny", query: "aa", documents: ["b", { text: "ab" }], top_n: 1 };
    const response = await post(path, body);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      model: "tiny",
      results: [{ index: 1, document: { text: "ab" }, relevance_score: expect.closeTo(Math.SQRT1_2, 6) }],
      usage: { total_tokens: 5 },
    });
    const refused = await post(path, { ...body, documents: ["a", 5] });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: { param: "documents[1]" } });
  });
});

describe("Ollama's routes", () => {
  it("/api/embed gives vectors, counts and times", async () => {
    const { post } = await started();
    const body = { model: "tiny:latest", input: ["ab", "c"], dimensions: HIDDEN, options: { num_ctx: 128 } };
    const answer = (await (await post("/api/embed", body)).json()) as Record<string, number & number[][]>;
    expect(answer).toMatchObject({ model: "tiny", prompt_eval_count: 3 });
    expect(answer.embeddings).toHaveLength(2);
    expect(Math.hypot(...(answer.embeddings?.[0] ?? []))).toBeCloseTo(1, 6);
    expect(answer.total_duration).toBeGreaterThan(0);
    expect(answer.load_duration).toBeLessThanOrEqual(answer.total_duration ?? 0);
  });

  it("/api/embed cuts what is too long unless it may not", async () => {
    const { post, native } = await started();
    const long = { model: "tiny", input: "x".repeat(300) };
    expect(await (await post("/api/embed", long)).json()).toMatchObject({ prompt_eval_count: 256 });
    expect(native.embedded[0]?.texts[0]).toHaveLength(256);
    expect((await post("/api/embed", { ...long, truncate: false })).status).toBe(400);
  });

  it("/api/embeddings gives one vector as it is", async () => {
    const { post } = await started();
    const answer = await post("/api/embeddings", { model: "tiny", prompt: "aab" });
    const { embedding } = (await answer.json()) as { embedding: number[] };
    expect(Math.hypot(...embedding)).toBeCloseTo(Math.sqrt(5), 6);
  });

  it("without texts load the model, and keep it as asked", async () => {
    const { post, native, handler } = await started();
    for (const input of [undefined, "", []])
      expect(
        await (await post("/api/embed", { model: "tiny", input, keep_alive: "5m" })).json(),
      ).toMatchObject({
        embeddings: [],
      });
    expect(await (await post("/api/embeddings", { model: "tiny" })).json()).toEqual({ embedding: [] });
    expect(native.embedded).toEqual([]);
    expect(handler.pool.find("tiny")).toMatchObject({ state: "ready", active: 0 });
  });

  it.each([
    ["/api/embed", { model: "other", input: "a" }, 404],
    ["/api/embed", { input: "a" }, 400],
    ["/api/embed", { model: "tiny", input: "a", truncate: "end" }, 400],
    ["/api/embed", { model: "tiny", input: "a", stream: true }, 400],
    ["/api/embed", { model: "tiny", input: "a", options: { temperature: 1 } }, 400],
    ["/api/embed", { model: "tiny", input: "a", options: { num_ctx: 100_000 } }, 400],
    ["/api/embed", { model: "tiny", input: ["a", 5] }, 400],
    ["/api/embeddings", { model: "tiny", prompt: ["a"] }, 400],
    ["/api/embeddings", { model: "tiny", input: "a" }, 400],
  ])("%s refuses %j with a message alone", async (path, body, status) => {
    const { post } = await started();
    const response = await post(path, body);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: expect.stringMatching(/^Expected /) });
  });
});
