/** The server as a fetch handler, over an engine that plays a script. */
import { afterEach, describe, expect, it } from "vitest";
import type { NativeEvent } from "../../../lib/ffi/native-engine.js";
import { createHandler, type Handler, type HandlerOptions } from "../../../lib/server/handler.js";
import { documentedRoutes } from "../../../lib/server/openapi.js";
import {
  END,
  type FakeNativeEngine,
  fakeEngine,
  type Script,
  textScript,
} from "../../support/fake-engine.js";

const handlers: Handler[] = [];
afterEach(async () => {
  for (const handler of handlers.splice(0)) await handler.dispose();
});

async function started(
  script: Script = textScript("Hello"),
  options: Partial<HandlerOptions> = {},
): Promise<{ handler: Handler; native: FakeNativeEngine }> {
  const { engine, native } = await fakeEngine(script);
  const handler = await createHandler({ models: [{ name: "tiny", engine }], ...options });
  handlers.push(handler);
  return { handler, native };
}

const request = (path: string, init: RequestInit = {}) => new Request(`http://localhost${path}`, init);
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  request(path, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body), headers });
/** What the routes answer, of which a test reads what it is about. */
interface Answer {
  choices: { message: { content: string } }[];
  error: { code: string; message: string; param: string | null };
  data: unknown[];
  tokens: number[];
  prompt: string;
  content: string;
  paths: object;
}
const read = async (response: Response | Promise<Response>) => (await (await response).json()) as Answer;
const chat = { model: "tiny", messages: [{ role: "user", content: "hi" }] };

describe("chat completions", () => {
  it("answers whole, under the name the model is served by", async () => {
    const { handler } = await started();
    const response = await handler.fetch(post("/v1/chat/completions", chat));
    expect(response.status).toBe(200);
    expect(response.headers.get("x-request-id")).toMatch(/^[\w-]{36}$/);
    const body = await read(response);
    expect(body).toMatchObject({ object: "chat.completion", model: "tiny", usage: { completion_tokens: 6 } });
    expect(body.choices[0]?.message.content).toBe("Hello");
  });

  it("streams events, with the usage only where it was asked for", async () => {
    const { handler } = await started();
    const events = async (more: object) => {
      const response = await handler.fetch(post("/v1/chat/completions", { ...chat, stream: true, ...more }));
      expect(response.headers.get("content-type")).toContain("text/event-stream");
      const lines = (await response.text()).trim().split("\n\n");
      expect(lines.at(-1)).toBe("data: [DONE]");
      return lines.slice(0, -1).map((line) => JSON.parse(line.replace(/^data: /, "")));
    };
    const plain = await events({});
    expect(plain.map(({ choices }) => choices[0].delta.content ?? "").join("")).toBe("Hello");
    expect(plain.some((chunk) => "usage" in chunk)).toBe(false);
    expect(plain.at(-1).choices[0].finish_reason).toBe("stop");
    const counted = await events({ stream_options: { include_usage: true } });
    expect(counted.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 6 }, model: "tiny" });
    expect(counted[0].usage).toBeNull();
  });

  it("tells an error in the middle of a stream, and ends it", async () => {
    const broken = {
      tokens: [],
      finish: "error",
      error: { code: "ERR_NATIVE", message: "Expected memory." },
    };
    const { handler } = await started(() => [{ tokens: [72] }, broken as unknown as NativeEvent]);
    const response = await handler.fetch(post("/v1/chat/completions", { ...chat, stream: true }));
    const text = await response.text();
    expect(text).toContain('"content":"H"');
    expect(text.trim().split("\n\n").at(-1)).toContain('"code":"ERR_NATIVE"');
  });

  it("aborts the request of a client that has gone, whole or streamed", async () => {
    const { handler, native } = await started();
    native.hold = true;
    const gone = new AbortController();
    const whole = handler.fetch(
      request("/v1/chat/completions", { method: "POST", body: JSON.stringify(chat), signal: gone.signal }),
    );
    await expect.poll(() => native.requests.length).toBe(1);
    gone.abort();
    expect((await whole).status).toBe(499);
    expect(native.aborted).toEqual([native.requests[0]?.id]);

    const streamed = await handler.fetch(post("/v1/chat/completions", { ...chat, stream: true }));
    const reader = (streamed.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await reader.cancel();
    await expect.poll(() => native.aborted).toEqual(native.requests.map(({ id }) => id));
    expect(handler.pool.find("tiny").active).toBe(0);
  });

  it("gives everything back where nobody reads the stream", async () => {
    const { handler, native } = await started();
    native.hold = true;
    const response = await handler.fetch(post("/v1/chat/completions", { ...chat, stream: true }));
    await response.body?.cancel();
    expect(handler.pool.find("tiny").active).toBe(0);
    await expect.poll(() => native.aborted.length).toBe(1);
    expect(await handler.drain(0)).toBe(true);
  });

  it("asks a slow reader's stream for no more than is read", async () => {
    const { handler, native } = await started(textScript("x".repeat(2000)));
    const response = await handler.fetch(
      post("/v1/chat/completions", { ...chat, max_tokens: 200, stream: true }),
    );
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await expect.poll(() => native.steps).toBeGreaterThan(150);
    // What came meanwhile is in one chunk.
    const second = new TextDecoder().decode((await reader.read()).value);
    expect(second).toMatch(/"content":"x{100,}"/);
    await reader.cancel();
  });
});

describe("errors have OpenAI's form", () => {
  const cases: readonly (readonly [string, Request, number, string, string | null])[] = [
    ["no JSON", post("/v1/chat/completions", "{"), 400, "ERR_INVALID_ARGUMENT", null],
    ["a list", post("/v1/chat/completions", "[]"), 400, "ERR_INVALID_ARGUMENT", "the body"],
    [
      "another model",
      post("/v1/chat/completions", { ...chat, model: "gpt" }),
      404,
      "ERR_MODEL_NOT_FOUND",
      "model",
    ],
    [
      "a model that is no name",
      post("/v1/chat/completions", { ...chat, model: 7 }),
      400,
      "ERR_INVALID_ARGUMENT",
      "model",
    ],
    ["no messages", post("/v1/chat/completions", { model: "tiny" }), 400, "ERR_INVALID_ARGUMENT", "messages"],
    [
      "an unknown field",
      post("/v1/chat/completions", { ...chat, nope: 1 }),
      400,
      "ERR_UNSUPPORTED_FIELD",
      "nope",
    ],
    [
      "a wrong value",
      post("/v1/completions", { prompt: "a", temperature: "hot" }),
      400,
      "ERR_INVALID_ARGUMENT",
      "temperature",
    ],
    ["an unknown route", request("/v2"), 404, "ERR_NOT_FOUND", null],
    ["another method", request("/v1/chat/completions"), 404, "ERR_NOT_FOUND", null],
    [
      "options that are none",
      post("/v1/chat/completions", { ...chat, stream: true, stream_options: 5 }),
      400,
      "ERR_INVALID_ARGUMENT",
      "stream_options",
    ],
  ];
  it.each(cases)("%s", async (_what, bad, status, code, param) => {
    const { handler } = await started();
    const response = await handler.fetch(bad);
    expect(response.status).toBe(status);
    const { error } = await read(response);
    expect(error).toMatchObject({
      code,
      param,
      type: status === 404 ? "not_found_error" : "invalid_request_error",
    });
    expect(error.message).toMatch(/^Expected .* but received /);
  });

  it("bytes that are no UTF-8, and a body that is too large", async () => {
    const { handler } = await started(undefined, { maxBodyBytes: 1000 });
    const bytes = request("/v1/completions", { method: "POST", body: Uint8Array.of(0x22, 0xff, 0x22) });
    expect((await handler.fetch(bytes)).status).toBe(400);
    const large = await handler.fetch(post("/v1/completions", { prompt: "a".repeat(2000) }));
    expect(large.status).toBe(413);
    expect((await read(large)).error.code).toBe("ERR_BODY_TOO_LARGE");
  });

  it("a full queue says when to come again", async () => {
    const { engine, native } = await fakeEngine(textScript("a"), { maxQueue: 0 });
    const handler = await createHandler({ models: [{ engine }] });
    native.hold = true;
    const running = Array.from({ length: engine.plan().batch }, () =>
      handler.fetch(post("/v1/completions", { prompt: "a" })),
    );
    await expect.poll(() => native.requests.length).toBe(engine.plan().batch);
    const refused = await handler.fetch(post("/v1/completions", { prompt: "a" }));
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    native.resume();
    for (const response of await Promise.all(running)) expect(response.status).toBe(200);
  });

  it("an unexpected one shows nothing of the inside", async () => {
    const { handler } = await started(() => {
      throw new Error("secret path /root");
    });
    const response = await handler.fetch(post("/v1/completions", { prompt: "a" }));
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret");
  });
});

describe("limits of the server", () => {
  it("are the request's where it has none, and refuse more", async () => {
    const { handler, native } = await started(undefined, { maxTokens: 20, timeoutMs: 5000 });
    await handler.fetch(post("/v1/chat/completions", chat));
    expect(native.requests[0]?.maxTokens).toBe(20);
    const more = await handler.fetch(post("/v1/chat/completions", { ...chat, max_completion_tokens: 21 }));
    expect((await read(more)).error).toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      param: "max_completion_tokens",
    });
    const longer = await handler.fetch(post("/v1/chat/completions", { ...chat, timeout_ms: 6000 }));
    expect(longer.status).toBe(400);
  });

  it("end a request that takes too long", async () => {
    const { handler, native } = await started(undefined, { timeoutMs: 5 });
    native.hold = true;
    const response = await handler.fetch(post("/v1/chat/completions", chat));
    expect(response.status).toBe(504);
  });
});

describe("other routes", () => {
  it("models, tokens, templates", async () => {
    const { handler } = await started();
    const json = (made: Request) => read(handler.fetch(made));
    expect((await json(request("/v1/models"))).data).toMatchObject([
      { id: "tiny", object: "model", meta: { state: "ready" } },
    ]);
    expect(await json(request("/v1/models/tiny"))).toMatchObject({ id: "tiny" });
    expect((await json(request("/v1/models/other"))).error.code).toBe("ERR_MODEL_NOT_FOUND");
    expect(await json(post("/tokenize", { prompt: "AB" }))).toEqual({
      tokens: [65, 66],
      count: 2,
      max_model_len: 256,
    });
    expect(await json(post("/detokenize", { tokens: [65, 66] }))).toMatchObject({ content: "AB" });
    const { prompt } = await json(post("/apply-template", { messages: chat.messages }));
    expect(prompt).toContain("hi");
    const { tokens } = await json(post("/tokenize", { messages: chat.messages }));
    expect((await json(post("/detokenize", { tokens }))).content).toBe(prompt);
    expect((await json(post("/tokenize", {}))).error.param).toBe("prompt");
    for (const route of [
      "/tokenize",
      "/detokenize",
      "/apply-template",
      "/models/load",
      "/models/unload",
      "/api/show",
    ])
      expect((await handler.fetch(post(route, { model: "tiny", nope: 1 }))).status, route).toBe(400);
    expect((await json(post("/models/unload", { model: "tiny" }))).error.code).toBe("ERR_INVALID_ARGUMENT");
  });

  it("health, readiness and metrics", async () => {
    const { handler } = await started();
    expect((await handler.fetch(request("/health"))).status).toBe(200);
    expect((await handler.fetch(request("/ready"))).status).toBe(200);
    await handler.fetch(request("/no/such/path"));
    await handler.fetch(post("/v1/completions", { prompt: "a" }));
    const text = await (await handler.fetch(request("/metrics"))).text();
    expect(text).toContain('node_mlc_requests_total{model="tiny",outcome="finished"} 1');
    expect(text).toContain(
      'node_mlc_http_requests_total{route="/v1/completions",method="POST",status="200"} 1',
    );
    expect(text).toContain('node_mlc_http_requests_total{route="unknown",method="GET",status="404"} 1');
    expect(text).not.toContain("such/path");
  });

  it("every route is in the OpenAPI document and answers", async () => {
    const { handler } = await started();
    const { paths } = await read(handler.fetch(request("/openapi.json")));
    expect(Object.keys(paths).length).toBeGreaterThan(15);
    for (const route of documentedRoutes()) {
      const [method = "", path = ""] = route.split(" ");
      const url = path.replace("{model}", "tiny");
      const response = await handler.fetch(method === "GET" ? request(url) : post(url, {}));
      expect(response.status, route).not.toBe(404);
      expect(response.status, route).toBeLessThan(500);
    }
  });
});

it("drains: running requests end, new ones are refused, readiness is off", async () => {
  const { handler, native } = await started();
  native.hold = true;
  const running = handler.fetch(post("/v1/chat/completions", { ...chat, stream: true }));
  const body = (await running).text();
  const drained = handler.drain(5000);
  expect((await handler.fetch(request("/ready"))).status).toBe(503);
  expect((await handler.fetch(request("/health"))).status).toBe(200);
  const refused = await handler.fetch(post("/v1/chat/completions", chat));
  expect(refused.status).toBe(503);
  await refused.text();
  native.resume();
  expect(await body).toContain("[DONE]");
  expect(await drained).toBe(true);
});

it("a drain ends at its limit", async () => {
  const { handler, native } = await started(() => [{ tokens: [END], finish: "stop" }]);
  native.hold = true;
  const running = handler.fetch(post("/v1/chat/completions", { ...chat, stream: true }));
  const stream = (await running).body;
  expect(await handler.drain(10)).toBe(false);
  await stream?.cancel();
});
