/** The official clients of OpenAI and Ollama against a server with a socket. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningServer, serve } from "../../../lib/server/listen.js";
import { createMockEngine } from "../../../lib/testing/index.js";
import { type FakeNativeEngine, fakeEngine, textScript } from "../../support/fake-engine.js";

let server: RunningServer;
let native: FakeNativeEngine;
beforeAll(async () => {
  const { engine, native: fake } = await fakeEngine(textScript("Hello, world"));
  native = fake;
  server = await serve({
    models: [{ name: "tiny", engine }],
    port: 0,
    apiKeys: [{ key: "secret" }],
    openProbes: true,
  });
});
afterAll(() => server.close());

const messages = [{ role: "user", content: "hi" }] as const;

describe("the openai package", () => {
  const client = () => new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "secret", maxRetries: 0 });

  it("chats whole and streamed, completes, lists models", async () => {
    const openai = client();
    const whole = await openai.chat.completions.create({ model: "tiny", messages: [...messages] });
    expect(whole.choices[0]?.message.content).toBe("Hello, world");
    let text = "";
    const stream = await openai.chat.completions.create({
      model: "tiny",
      messages: [...messages],
      stream: true,
      stream_options: { include_usage: true },
    });
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe("Hello, world");
    expect(usage?.completion_tokens).toBe(13);
    const completion = await openai.completions.create({ model: "tiny", prompt: "a", max_tokens: 20 });
    expect(completion.choices[0]?.text).toBe("Hello, world");
    const models = await openai.models.list();
    expect(models.data.map(({ id }) => id)).toEqual(["tiny"]);
    expect((await openai.models.retrieve("tiny")).owned_by).toBe("node-mlc");
  });

  it("makes responses, whole and by events", async () => {
    const openai = client();
    const whole = await openai.responses.create({ model: "tiny", input: "hi", instructions: "Be short." });
    expect(whole.output_text).toBe("Hello, world");
    expect(whole.status).toBe("completed");
    expect(whole.usage?.output_tokens).toBe(13);
    const stream = openai.responses.stream({
      model: "tiny",
      input: [{ role: "user", content: [{ type: "input_text", text: "hi" }] }],
    });
    let text = "";
    stream.on("response.output_text.delta", ({ delta }) => {
      text += delta;
    });
    const final = await stream.finalResponse();
    expect(text).toBe("Hello, world");
    expect(final.output_text).toBe("Hello, world");
    expect(final.model).toBe("tiny");
  });

  it("calls functions through responses, in two turns", async () => {
    const { engine } = await createMockEngine({
      answers: [
        {
          reasoning: "Where?",
          text: "I look.",
          toolCalls: [{ name: "weather", arguments: { city: "Paris" } }],
        },
        "Sunny.",
      ],
    });
    const thinking = await serve({ models: [{ name: "thinker", engine }], port: 0 });
    try {
      const openai = new OpenAI({ baseURL: `${thinking.url}/v1`, apiKey: "none", maxRetries: 0 });
      const parameters = {
        type: "object",
        properties: { city: { type: "string" } },
        required: ["city"],
        additionalProperties: false,
      };
      const tool = { type: "function" as const, name: "weather", parameters, strict: true };
      const asked = { model: "thinker", tools: [tool], store: false };
      const stream = openai.responses.stream({ ...asked, input: "Paris?" });
      const deltas = { "response.reasoning_text.delta": "", "response.function_call_arguments.delta": "" };
      for await (const event of stream) {
        if (event.type === "response.reasoning_text.delta") deltas[event.type] += event.delta;
        if (event.type === "response.function_call_arguments.delta") deltas[event.type] += event.delta;
      }
      expect(Object.values(deltas)).toEqual(["Where?", '{"city":"Paris"}']);
      const { output } = await stream.finalResponse();
      expect(output.map(({ type }) => type)).toEqual(["reasoning", "message", "function_call"]);
      const call = output.find((item) => item.type === "function_call");
      expect(call?.parsed_arguments).toEqual({ city: "Paris" });
      const result = { type: "function_call_output" as const, call_id: call?.call_id ?? "", output: "sun" };
      const said = output.filter(
        (item) => item.type === "reasoning" || item.type === "message" || item.type === "function_call",
      );
      const input = [{ role: "user" as const, content: "Paris?" }, ...said, result];
      expect((await openai.responses.create({ ...asked, input })).output_text).toBe("Sunny.");
    } finally {
      await thinking.close();
    }
  });

  it("gets its own error classes", async () => {
    const openai = client();
    await expect(
      openai.chat.completions.create({ model: "none", messages: [...messages] }),
    ).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(openai.chat.completions.create({ model: "tiny", messages: [] })).rejects.toBeInstanceOf(
      OpenAI.BadRequestError,
    );
    const stranger = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "wrong", maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
  });

  it("aborts in the middle: the engine's request ends at once", async () => {
    native.hold = true;
    const before = native.aborted.length;
    const stream = await client().chat.completions.create({
      model: "tiny",
      messages: [...messages],
      stream: true,
    });
    for await (const _chunk of stream) break;
    await expect.poll(() => native.aborted.length).toBe(before + 1);
    const controller = new AbortController();
    const whole = client().chat.completions.create(
      { model: "tiny", messages: [...messages] },
      { signal: controller.signal },
    );
    await expect.poll(() => server.handler.pool.find("tiny").active).toBe(1);
    await expect.poll(() => native.requests.length).toBeGreaterThan(0);
    controller.abort();
    await expect(whole).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    await expect.poll(() => native.aborted.length).toBe(before + 2);
    native.resume();
  });
});

describe("the ollama package", () => {
  it("chats, generates and lists", async () => {
    const ollama = new Ollama({ host: server.url, headers: { authorization: "Bearer secret" } });
    const whole = await ollama.chat({ model: "tiny", messages: [...messages] });
    expect(whole.message.content).toBe("Hello, world");
    expect(whole.eval_count).toBe(13);
    let text = "";
    for await (const part of await ollama.generate({ model: "tiny", prompt: "a", stream: true }))
      text += part.response;
    expect(text).toBe("Hello, world");
    expect((await ollama.list()).models[0]?.name).toBe("tiny");
    expect((await ollama.show({ model: "tiny" })).details.family).toBe("llama");
    await expect(ollama.chat({ model: "none", messages: [...messages] })).rejects.toThrow(
      /Expected one of the models/,
    );
  });
});

describe("hostile clients", () => {
  const raw = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(server.url);
      const socket = net.connect(Number(port), hostname, () => socket.end(text));
      let answer = "";
      socket.on("data", (data) => {
        answer += data.toString("latin1");
      });
      socket.on("close", () => resolve(answer));
      socket.on("error", (error: NodeJS.ErrnoException) =>
        error.code === "ECONNRESET" ? resolve(answer) : reject(error),
      );
    });
  const alive = async () => expect((await fetch(`${server.url}/health`)).status).toBe(200);

  it.each([
    ["no HTTP", "\x16\x03\x01\x02\x00\x01"],
    ["a header flood", `GET /health HTTP/1.1\r\nHost: localhost\r\n${"X-A: b\r\n".repeat(5000)}\r\n`],
    [
      "two lengths",
      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabc",
    ],
    [
      "length and chunks",
      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["a path that is none", "GET http://[/ HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["a host that is none", "GET /health HTTP/1.1\r\nHost: a b[\r\n\r\n"],
    [
      "a body cut short",
      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nx-api-key: secret\r\nContent-Length: 900\r\n\r\n{",
    ],
  ])("%s", async (_what, text) => {
    expect(await raw(text)).not.toMatch(/^HTTP\/1\.1 (200|500)/);
    await alive();
  });

  it("a name that is rebound to this machine", async () => {
    const status = await new Promise<number | undefined>((resolve) => {
      http.get(`${server.url}/health`, { headers: { host: "evil.example" } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
    });
    expect(status).toBe(403);
  });
});

it("serves on a UNIX socket, and refuses an address that is taken", async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "node-mlc-socket-"));
  const socket = path.join(folder, "s");
  const { engine } = await fakeEngine(textScript("Hi"));
  const models = [{ name: "tiny", engine }];
  const local = await serve({ models, socket });
  const body = await promisify(execFile)("curl", ["-s", "--unix-socket", socket, "http://any/v1/models"]);
  expect(JSON.parse(body.stdout).data[0].id).toBe("tiny");
  await expect(serve({ models, socket })).rejects.toMatchObject({ code: "ERR_IO" });
  await local.close();
  rmSync(folder, { recursive: true });
});

it("serves by TLS", async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "node-mlc-tls-"));
  const [key, cert] = [path.join(folder, "key.pem"), path.join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  await promisify(execFile)("openssl", [
    "req",
    "-x509",
    "-nodes",
    "-days",
    "2",
    ...curve,
    ...subject,
    "-keyout",
    key,
    "-out",
    cert,
  ]);
  const { engine } = await fakeEngine(textScript("Hi"));
  const tls = { key: readFileSync(key), cert: readFileSync(cert) };
  const secure = await serve({ models: [{ name: "tiny", engine }], port: 0, tls });
  const { port } = new URL(secure.url);
  expect(secure.url).toMatch(/^https:/);
  const body = await promisify(execFile)("curl", [
    "-s",
    "--cacert",
    cert,
    `https://localhost:${port}/v1/models`,
  ]);
  expect(JSON.parse(body.stdout).data[0].id).toBe("tiny");
  await secure.close();
  rmSync(folder, { recursive: true });
});

it("closing cuts off what does not end in time, and tells its reader", async () => {
  const { engine, native: slow } = await fakeEngine(textScript("Hi"));
  const own = await serve({ models: [{ name: "tiny", engine }], port: 0 });
  slow.hold = true;
  const response = await fetch(`${own.url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "tiny", messages, stream: true }),
  });
  const text = response.text().catch((error: Error) => `cut: ${error.message}`);
  expect(await own.close(50)).toBe(false);
  expect(await text).toMatch(/cut: |ERR_DISPOSED/);
  await expect(fetch(`${own.url}/health`)).rejects.toThrow();
});
