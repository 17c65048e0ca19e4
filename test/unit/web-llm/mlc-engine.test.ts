/** The flows of web-llm's own examples, on mock engines. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import type { Engine } from "../../../lib/engine/engine.js";
import type { EngineOptions } from "../../../lib/engine/engine-config.js";
import { MlcError } from "../../../lib/errors.js";
import { createMockEngine, type MockRequest } from "../../../lib/testing/mock-engine.js";
import { CreateMLCEngine, MLCEngine, type MLCEngineConfig } from "../../../lib/web-llm/index.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "node-mlc-web-llm-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** An engine whose models answer with their folder's name; what was loaded and asked. */
function started(config: MLCEngineConfig = {}) {
  const loads: { folder: string; options: EngineOptions }[] = [];
  const requests: (readonly MockRequest[])[] = [];
  const engines: Engine[] = [];
  const load = async (from: string, options: EngineOptions = {}): Promise<Engine> => {
    loads.push({ folder: from, options });
    options.initProgressCallback?.({ progress: 1, timeElapsed: 0.1, text: "loaded" });
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (options.signal?.aborted) throw new MlcError("ERR_ABORTED", "Loading the model was aborted.");
    const mock = await createMockEngine({
      answers: `I am ${path.basename(from)}. `.repeat(20),
      tokenDelayMs: 1,
    });
    requests.push(mock.requests);
    engines.push(mock.engine);
    return mock.engine;
  };
  return { engine: new MLCEngine(config, load as typeof Engine.load), loads, requests, engines };
}
const messages = [{ role: "user" as const, content: "Who are you?" }];

describe("get started", () => {
  it("loads with progress, answers, tells its speed and message", async () => {
    const reports: string[] = [];
    const { engine, loads } = started({ initProgressCallback: ({ text }) => reports.push(text) });
    await engine.reload("models/a", { temperature: 0.5, context_window_size: 256 });
    expect(reports).toEqual(["loaded"]);
    expect(loads[0]).toMatchObject({ folder: "models/a", options: { contextLength: 256 } });
    const reply = await engine.chat.completions.create({ messages, max_tokens: 6 });
    expect(reply.choices[0]?.message.content).toBe("I am a");
    expect(reply.model).toBe("models/a");
    expect(await engine.getMessage()).toBe("I am a");
    expect(await engine.runtimeStatsText()).toMatch(
      /^prefill: \d+\.\d{4} tokens\/sec, decoding: \d+\.\d{4} tokens\/sec$/,
    );
    await engine.resetChat();
    expect(await engine.getMessage()).toBe("");
  });

  it("has chat options as defaults of its requests", async () => {
    const { engine, requests } = started();
    await engine.reload("models/a", { temperature: 0.5 });
    await engine.chat.completions.create({ messages, max_tokens: 3 });
    await engine.chat.completions.create({ messages, max_tokens: 3, temperature: 0 });
    expect(requests[0]?.map(({ temperature }) => temperature)).toEqual([0.5, 0]);
  });

  it("finds packages by ids, as paths and URLs", async () => {
    const model_list = [
      { model_id: "one", model: folder },
      { model_id: "two", model: pathToFileURL(folder).href, model_lib: "any", overrides: { top_p: 0.5 } },
    ];
    const { engine, loads } = started({ appConfig: { model_list } });
    await engine.reload(["one", "two"]);
    expect(loads.map((load) => load.folder)).toEqual([folder, folder]);
    await expect(engine.reload("three")).rejects.toMatchObject({ code: "ERR_MODEL_NOT_FOUND" });
    await expect(engine.reload("one", { conv_template: "x" } as never)).rejects.toMatchObject({
      code: "ERR_UNSUPPORTED_FIELD",
    });
    await expect(engine.reload(["one", "two"], [{}])).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });
});

describe("streaming", () => {
  it("gives chunks, the usage where it is asked for, and is interrupted", async () => {
    const { engine, engines } = started();
    await engine.reload("models/a");
    let text = "";
    let usages = 0;
    const asked = {
      messages,
      max_tokens: 10,
      stream: true as const,
      stream_options: { include_usage: true },
    };
    for await (const chunk of await engine.chat.completions.create(asked)) {
      text += chunk.choices[0]?.delta.content ?? "";
      if (chunk.usage) usages++;
    }
    expect(text).toBe("I am a. I ");
    expect(usages).toBe(1);
    const reasons: unknown[] = [];
    let pieces = 0;
    for await (const chunk of await engine.chat.completions.create({ messages, stream: true })) {
      expect(chunk.usage ?? undefined).toBeUndefined();
      reasons.push(chunk.choices[0]?.finish_reason);
      if (++pieces === 3) engine.interruptGenerate();
    }
    expect(reasons.at(-1)).toBe("abort");
    expect((await engine.getMessage()).length).toBeGreaterThan(0);
    await expect.poll(() => engines[0]?.stats().requests).toBe(0);
    const whole = engine.chat.completions.create({ messages });
    setTimeout(() => engine.interruptGenerate(), 5);
    await expect(whole).rejects.toMatchObject({ code: "ERR_ABORTED" });
  });

  it("interrupts every choice, and keeps the texts of two streams apart", async () => {
    const { engine } = started();
    await engine.reload("models/a");
    const aborted = new Set<number>();
    let pieces = 0;
    for await (const { choices } of await engine.chat.completions.create({ messages, stream: true, n: 2 })) {
      for (const { index, finish_reason: reason } of choices)
        if ((reason as string) === "abort") aborted.add(index);
      if (++pieces === 8) engine.interruptGenerate();
    }
    expect([...aborted].sort()).toEqual([0, 1]);
    const drain = async () => {
      const asked = { messages, stream: true as const, max_tokens: 6 };
      for await (const _chunk of await engine.chat.completions.create(asked));
    };
    await Promise.all([drain(), drain()]);
    expect(await engine.getMessage()).toBe("I am a");
  });

  it("completes text", async () => {
    const { engine } = started();
    await engine.reload("models/a");
    const { choices } = await engine.completions.create({ prompt: "Who?", max_tokens: 4 });
    expect(choices[0]?.text).toBe("I am");
  });
});

describe("several models", () => {
  it("are chosen by name, and answer at the same time", async () => {
    const { engine } = started();
    await engine.reload(["models/a", "models/b"]);
    const ask = (model: string) => engine.chat.completions.create({ messages, model, max_tokens: 6 });
    const answers = await Promise.all([ask("models/a"), ask("models/b")]);
    expect(answers.map(({ choices }) => choices[0]?.message.content)).toEqual(["I am a", "I am b"]);
    expect(await engine.getMessage("models/b")).toBe("I am b");
    for (const model of [undefined, "models/c"])
      expect(() => engine.chat.completions.create({ messages, model } as never)).toThrow(
        expect.objectContaining({ code: "ERR_MODEL_NOT_FOUND" }),
      );
  });
});

it("embeds with the model that is asked", async () => {
  const { engine } = started();
  await engine.reload(["models/a", "models/b"]);
  const { data, model } = await engine.embeddings.create({ model: "models/b", input: ["x", "y"] });
  expect(model).toBe("models/b");
  expect(data.map(({ embedding }) => Math.hypot(...embedding))).toEqual([1, 1]);
  await expect(engine.embeddings.create({ input: "x" })).rejects.toMatchObject({
    code: "ERR_MODEL_NOT_FOUND",
  });
});

describe("reload and unload", () => {
  it("replace what is loaded; a reload in progress is given up for the next", async () => {
    const { engine, engines } = started();
    const first = engine.reload("models/a");
    const second = engine.reload("models/b");
    await expect(first).rejects.toMatchObject({ code: "ERR_ABORTED" });
    await second;
    await engine.unload();
    for (const one of engines)
      expect(() => one.stats()).toThrow(expect.objectContaining({ code: "ERR_DISPOSED" }));
    expect(() => engine.chat.completions.create({ messages })).toThrow(/call reload/);
  });
});

it("logit processors are known by the model's id", async () => {
  const processor = {
    processLogits: (logits: Float32Array) => logits,
    processSampledToken: () => {},
    resetState: () => {},
  };
  const { engine, engines } = started({ logitProcessorRegistry: new Map([["models/a", processor]]) });
  await engine.reload("models/a");
  const running = engines[0]?.generate("x", { maxTokens: 2 });
  expect(running).toBeDefined();
  await running?.result;
});

it("refuses other settings, and says what a missing package is", async () => {
  expect(() => new MLCEngine({ appConfg: {} } as never)).toThrow(
    expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
  );
  await expect(CreateMLCEngine("/nonexistent")).rejects.toMatchObject({ code: "ERR_MODEL_NOT_FOUND" });
});
