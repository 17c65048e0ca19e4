/** Ollama's routes over an engine that plays a script. */
import { expect, it } from "vitest";
import { createHandler } from "../../../lib/server/handler.js";
import { keepAliveMs, openAiBody } from "../../../lib/server/ollama-request.js";
import { fakeEngine, textScript } from "../../support/fake-engine.js";

async function started() {
  const { engine, native } = await fakeEngine(textScript("Hello"));
  const handler = await createHandler({ models: [{ name: "tiny", engine }] });
  const post = (path: string, body: object) =>
    handler.fetch(new Request(`http://localhost${path}`, { method: "POST", body: JSON.stringify(body) }));
  return { engine, native, handler, post };
}
const messages = [{ role: "user", content: "hi" }];

it("streams lines of JSON, the last with counts and times", async () => {
  const { post } = await started();
  const response = await post("/api/chat", { model: "tiny:latest", messages });
  expect(response.headers.get("content-type")).toBe("application/x-ndjson");
  const lines = (await response.text()).trim().split("\n");
  const events = lines.map((line) => JSON.parse(line));
  expect(events.map(({ message }) => message.content).join("")).toBe("Hello");
  expect(events.slice(0, -1).every(({ done }) => done === false)).toBe(true);
  const last = events.at(-1);
  expect(last).toMatchObject({ model: "tiny", done: true, done_reason: "stop", eval_count: 6 });
  expect(last.total_duration).toBeGreaterThan(0);
  expect(last.prompt_eval_count).toBeGreaterThan(2);
});

it("answers whole, with a system message or raw, and passes options on", async () => {
  const { post, native, engine } = await started();
  const whole = { model: "tiny", prompt: "AB", stream: false };
  const options = { num_predict: 7, temperature: 0, top_k: 3, num_ctx: 128, stop: ["z"] };
  const answer = await (await post("/api/generate", { ...whole, system: "short", options })).json();
  expect(answer).toMatchObject({ response: "Hello", done: true, done_reason: "stop" });
  expect(native.requests[0]).toMatchObject({ maxTokens: 7, temperature: 0, topK: 3 });
  expect(engine.detokenize(native.requests[0]?.tokens ?? [])).toContain("short");
  await post("/api/generate", { ...whole, raw: true });
  expect([...(native.requests[1]?.tokens ?? [])]).toEqual([65, 66]);
});

it("loads without a prompt, lists and shows", async () => {
  const { post, handler } = await started();
  expect(await (await post("/api/generate", { model: "tiny" })).json()).toMatchObject({
    done_reason: "load",
  });
  const get = async (path: string) => (await handler.fetch(new Request(`http://localhost${path}`))).json();
  expect(await get("/api/tags")).toMatchObject({ models: [{ name: "tiny", details: { family: "llama" } }] });
  expect(await get("/api/ps")).toMatchObject({ models: [{ name: "tiny", size_vram: 0 }] });
  expect(await get("/api/version")).toMatchObject({ version: expect.stringMatching(/^\d/) });
  expect(await (await post("/api/show", { model: "tiny" })).json()).toMatchObject({
    model_info: { "general.architecture": "llama", "llama.context_length": 256 },
    capabilities: ["completion", "embedding"],
  });
});

it.each([
  [{ model: "other", messages }, 404],
  [{ messages }, 400],
  [{ model: "tiny", messages, options: { num_gpu: 3 } }, 400],
  [{ model: "tiny", messages, options: { num_ctx: 100_000 } }, 400],
  [{ model: "tiny", messages, think: true }, 400],
  [{ model: "tiny", messages, format: 5 }, 400],
  [{ model: "tiny", messages, stream: "yes" }, 400],
  [{ model: "tiny", messages, keep_alive: "soon" }, 400],
  [{ model: "tiny", messages, context: [1, 2] }, 400],
])("refuses %j with a message alone", async (body, status) => {
  const { post } = await started();
  const response = await post("/api/chat", body);
  expect(response.status).toBe(status);
  expect(await response.json()).toEqual({ error: expect.stringMatching(/^Expected /) });
});

it("reads durations as Ollama does", () => {
  const cases = [
    [5, 5000],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["250ms", 250],
    ["10", 10_000],
    ["0", 0],
    [0, 0],
  ] as const;
  for (const [text, ms] of cases) expect(keepAliveMs(text)).toBe(ms);
  for (const forEver of [-1, "-1", "-1m"]) expect(keepAliveMs(forEver)).toBe(Number.POSITIVE_INFINITY);
  for (const none of [undefined, null, ""]) expect(keepAliveMs(none)).toBeUndefined();
});

it("turns a format into a response format", () => {
  expect(openAiBody({ format: "json" }, [])).toEqual({ response_format: { type: "json_object" } });
  const schema = { type: "object" };
  expect(openAiBody({ format: schema }, [])).toEqual({
    response_format: { type: "json_schema", json_schema: { name: "format", schema } },
  });
  expect(openAiBody({ options: { num_predict: -1, seed: 3 }, think: false }, [])).toEqual({
    seed: 3,
    chat_template_kwargs: { enable_thinking: false },
  });
});

it("a keep_alive that is none is refused before anything is generated", async () => {
  const { post, native } = await started();
  for (const stream of [true, false]) {
    const response = await post("/api/chat", { model: "tiny", messages, stream, keep_alive: "soon" });
    expect(await response.text()).toContain("keep_alive");
  }
  expect(native.requests).toEqual([]);
});
