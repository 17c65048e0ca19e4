/** An engine through a MessagePort: the same answers, streams, errors and aborts, and nothing else of it can be reached. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import { serveEngine } from "../../../lib/electron/index.js";
import { connectEngine, MlcError } from "../../../lib/electron/renderer.js";
import { createMockEngine } from "../../../lib/testing/index.js";
import { type FakeNativeEngine, fakeEngine, textScript } from "../../support/fake-engine.js";

const messages = [{ role: "user" as const, content: "hi" }];
const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

function channel(): { port1: MessagePort; port2: MessagePort } {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  return { port1, port2 };
}

async function connected(text = "Hello, world") {
  const { engine, native } = await fakeEngine(textScript(text));
  const { port1, port2 } = channel();
  const served = serveEngine(engine, port1);
  return { engine, native, served, remote: await connectEngine(port2), port: port2 };
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe("connectEngine", () => {
  it("answers as the engine does, whole and streamed", async () => {
    const { engine, remote } = await connected();
    expect(remote.model).toBe(engine.manifest.model.name);
    const whole = await remote.chat.completions.create({ messages });
    expect(whole.choices).toEqual((await engine.chat.completions.create({ messages })).choices);
    const chunks = await all(await remote.chat.completions.create({ messages, stream: true }));
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("")).toBe("Hello, world");
    const texts = await all(await remote.completions.create({ prompt: "a", stream: true }));
    expect(texts.map(({ choices }) => choices[0]?.text ?? "").join("")).toBe("Hello, world");
    expect((await remote.responses.create({ input: "hi" })).output_text).toBe("Hello, world");
    expect((await all(await remote.responses.create({ input: "hi", stream: true }))).at(-1)?.type).toBe(
      "response.completed",
    );
    const ids = await remote.tokenize("abc");
    expect(await remote.detokenize(ids)).toBe("abc");
    expect(await remote.applyChatTemplate(messages)).toBe(engine.applyChatTemplate(messages));
    expect((await remote.stats()).requests).toBe(0);
  });

  it("embeds and ranks", async () => {
    const { engine } = await createMockEngine({ answers: "x" });
    const { port1, port2 } = channel();
    serveEngine(engine, port1);
    const remote = await connectEngine(port2);
    const body = { input: ["a", "b"] };
    expect(await remote.embeddings.create(body)).toEqual(await engine.embeddings.create(body));
    const { results } = await remote.rerank({ query: "a", documents: ["a", "b"] });
    expect(results[0]?.index).toBe(0);
  });

  it("fails as the engine does", async () => {
    const { remote } = await connected();
    const wrong = { messages, temperature: -1 };
    const error = await remote.chat.completions.create(wrong).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MlcError);
    expect(error).toMatchObject({ code: "ERR_INVALID_ARGUMENT", details: { name: "temperature" } });
    await expect(remote.chat.completions.create({ ...wrong, stream: true })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
    const uncloneable = { messages, metadata: (() => undefined) as unknown as Record<string, string> };
    await expect(remote.chat.completions.create(uncloneable)).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
  });

  it("aborts by signal, by leaving the loop and by abort()", async () => {
    const { native, remote } = await connected();
    native.hold = true;
    const controller = new AbortController();
    const whole = remote.chat.completions.create({ messages }, { signal: controller.signal });
    await expect.poll(() => native.requests.length).toBe(1);
    controller.abort();
    await expect(whole).rejects.toMatchObject({ code: "ERR_ABORTED" });
    await expect.poll(() => native.aborted.length).toBe(1);
    for await (const _ of await remote.chat.completions.create({ messages, stream: true })) break;
    await expect.poll(() => native.aborted.length).toBe(2);
    const stream = await remote.chat.completions.create({ messages, stream: true });
    stream.abort();
    await expect(all(stream)).rejects.toMatchObject({ code: "ERR_ABORTED" });
    await expect.poll(() => native.aborted.length).toBe(3);
    await expect(
      remote.chat.completions.create({ messages }, { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: "ERR_ABORTED" });
  });

  it("a reader that is slow keeps no more than a window on the way", async () => {
    const text = "x".repeat(150);
    const { engine } = await fakeEngine(textScript(text));
    const { port1, port2 } = channel();
    let items = 0;
    const counting = {
      postMessage: (message: unknown) => {
        if ((message as { type: string }).type === "item") items++;
        port1.postMessage(message);
      },
      on: port1.on.bind(port1),
    };
    serveEngine(engine, counting);
    const remote = await connectEngine(port2);
    const stream = await remote.completions.create({ prompt: "a", stream: true, max_tokens: 200 });
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(items).toBeLessThanOrEqual(32);
    let read = "";
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
      read += next.value.choices[0]?.text ?? "";
    expect(read.length).toBeGreaterThan(100);
    expect(items).toBeGreaterThan(32);
  });

  it("ends with its port, on both sides", async () => {
    const { native, remote, port } = await connected();
    native.hold = true;
    const waiting = remote.chat.completions.create({ messages });
    await expect.poll(() => native.requests.length).toBe(1);
    port.close();
    await expect(waiting).rejects.toMatchObject({ code: "ERR_DISPOSED" });
    await expect.poll(() => native.aborted.length).toBe(1);
    await expect(remote.stats()).rejects.toMatchObject({ code: "ERR_DISPOSED" });

    const other = await connected();
    other.native.hold = true;
    const open = other.remote.chat.completions.create({ messages });
    await expect.poll(() => other.native.requests.length).toBe(1);
    other.served.close();
    await expect(open).rejects.toMatchObject({ code: "ERR_DISPOSED" });
    await expect.poll(() => other.native.aborted.length).toBe(1);
    expect(await other.engine.stats().requests).toBe(0);
  });

  it("refuses an engine of another version", async () => {
    const { port1, port2 } = channel();
    const connecting = connectEngine(port2);
    port1.postMessage({ type: "hello", version: 99, model: "x" });
    await expect(connecting).rejects.toMatchObject({ code: "ERR_RUNTIME_MISMATCH" });
  });
});

describe("serveEngine", () => {
  it.each([
    ["dispose", []],
    ["constructor", []],
    ["__proto__", []],
    ["chat.completions", []],
    ["toString", []],
    [undefined, []],
    [5, []],
    ["tokenize", "abc"],
    ["tokenize", [5]],
    ["tokenize", []],
    ["detokenize", [[1e9]]],
    ["chat.completions.create", [null]],
    ["chat.completions.create", [{ messages: "x" }]],
    ["embeddings.create", []],
    ["rerank", [7]],
    ["applyChatTemplate", [[{ role: "root" }]]],
  ])("refuses a call of %j with %j by a typed error", async (method, args) => {
    const { engine } = await fakeEngine(textScript("x"));
    const { port1, port2 } = channel();
    serveEngine(engine, port1);
    const answer = new Promise((resolve) => {
      port2.on("message", (message: { type: string }) => {
        if (message.type !== "hello") resolve(message);
      });
    });
    port2.postMessage({ type: "call", id: 1, method, args });
    expect(await answer).toMatchObject({
      type: "failure",
      id: 1,
      error: { code: expect.stringMatching(/^ERR_/) },
    });
    expect(engine.stats().requests).toBe(0);
  });

  it("passes over what is no message, and goes on", async () => {
    const { remote, port, native } = await connected();
    const odd = [
      null,
      5,
      "x",
      [],
      {},
      { type: "call" },
      { type: "call", id: "1" },
      { type: "taken", id: 7, items: -1 },
    ];
    for (const message of [...odd, { type: "cancel", id: 99 }, { type: "taken", id: 1, items: Number.NaN }])
      port.postMessage(message);
    expect((await remote.completions.create({ prompt: "a" })).choices[0]?.text).toBe("Hello, world");
    expect((native satisfies FakeNativeEngine).requests).toHaveLength(1);
  });

  it("speaks through Electron's ports, whose events hold the message", async () => {
    const { engine } = await fakeEngine(textScript("x"));
    const { port1, port2 } = channel();
    let started = false;
    const main = {
      postMessage: (message: unknown) => port1.postMessage(message),
      on: (event: "message" | "close", listener: (event: unknown) => void) =>
        port1.on(event as "message", (data: unknown) => listener({ data })),
      start: () => {
        started = true;
      },
    };
    serveEngine(engine, main);
    expect((await (await connectEngine(port2)).completions.create({ prompt: "a" })).choices[0]?.text).toBe(
      "x",
    );
    expect(started).toBe(true);
  });
});

it("the renderer's side imports nothing of Node", () => {
  const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../../lib");
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(file, "utf8");
    for (const [, typeOnly, names = "", target = ""] of text.matchAll(
      /(?:import|export)\s+(type\s+)?([^'";]*?)\s*from\s+["']([^"']+)["']/g,
    )) {
      const values = names
        .replace(/[{}]/g, "")
        .split(",")
        .filter((name) => name.trim() !== "" && !name.trim().startsWith("type "));
      if (typeOnly !== undefined || values.length === 0) continue;
      expect(target, file).toMatch(/^\./);
      visit(path.resolve(path.dirname(file), target.replace(/\.js$/, ".ts")));
    }
  };
  visit(path.join(root, "electron/renderer.ts"));
  expect([...seen].map((file) => path.relative(root, file)).sort()).toEqual([
    "electron/connect-engine.ts",
    "electron/connection.ts",
    "electron/port.ts",
    "electron/protocol.ts",
    "electron/renderer.ts",
    "errors.ts",
    "isolation/protocol.ts",
  ]);
});
