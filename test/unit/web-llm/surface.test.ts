/** The rest of web-llm's names: what does its work, and what is refused with a reason. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ChatTemplate } from "../../../lib/chat/chat-template.js";
import type { Engine } from "../../../lib/engine/engine.js";
import * as webllm from "../../../lib/web-llm/index.js";
import { fakeEngine, fakeManifest, type Script } from "../../support/fake-engine.js";
import { writePackage } from "../package/package-fixture.js";

const base = fakeManifest();
const manifest = fakeManifest({
  model: { ...base.model, contextLength: 4096 },
  limits: { ...base.limits, contextLength: 4096 },
});
/** Says whether it may think. */
const TEMPLATE =
  "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>{% endfor %}{{ 'quick' if enable_thinking is defined and enable_thinking is false else 'slow' }}";

/** Answers with the number of the prompt's tokens as a token. */
const counting: Script = ({ tokens }) => [{ tokens: [tokens.length] }, { tokens: [65], finish: "stop" }];

async function started(config: webllm.MLCEngineConfig = {}, script: Script = counting) {
  const { engine: loaded, native } = await fakeEngine(script, {
    manifest,
    chatTemplate: new ChatTemplate(TEMPLATE),
  });
  const engine = new webllm.MLCEngine(config, (async () => loaded) as typeof Engine.load);
  return { engine, loaded, native };
}
const messages = [{ role: "user" as const, content: "Who are you?" }];

class Watcher implements webllm.LogitProcessor {
  resets = 0;
  readonly sampled: number[] = [];
  processLogits(logits: Float32Array): Float32Array {
    return logits;
  }
  processSampledToken(token: number): void {
    this.sampled.push(token);
  }
  resetState(): void {
    this.resets++;
  }
}

describe("forwardTokensAndSample", () => {
  it("gives the token that follows all that was given, until resetChat", async () => {
    const { engine, native } = await started();
    await engine.reload("m", { temperature: 0.5, repetition_penalty: 1.5 });
    const prompt = [42, 43, 44];
    let next = await engine.forwardTokensAndSample(prompt, true);
    const seen = [next];
    for (let step = 0; step < 3; step++) {
      next = await engine.forwardTokensAndSample([next], false);
      seen.push(next);
    }
    expect(seen).toEqual([3, 4, 5, 6]);
    expect(native.requests.map(({ tokens }) => [...tokens])).toEqual([
      [42, 43, 44],
      [42, 43, 44, 3],
      [42, 43, 44, 3, 4],
      [42, 43, 44, 3, 4, 5],
    ]);
    expect(native.requests[0]).toMatchObject({ maxTokens: 1, temperature: 0.5, repetitionPenalty: 1.5 });
    await engine.resetChat();
    expect(await engine.forwardTokensAndSample([42], true)).toBe(1);
  });

  it("leaves the state of the model's processor alone, which resetChat resets", async () => {
    const watcher = new Watcher();
    const { engine } = await started();
    engine.setLogitProcessorRegistry(new Map([["m", watcher]]));
    await engine.reload("m");
    await engine.forwardTokensAndSample([42], true);
    await engine.forwardTokensAndSample([1], false);
    expect(watcher.resets).toBe(0);
    await engine.resetChat();
    expect(watcher.resets).toBe(1);
  });

  it("refuses what are no tokens, and a text that is too long", async () => {
    const { engine } = await started();
    await expect(engine.forwardTokensAndSample([1], true)).rejects.toMatchObject({
      code: "ERR_MODEL_NOT_FOUND",
    });
    await engine.reload("m");
    for (const wrong of [[], "x", [1.5], [-1], [1e9]])
      await expect(engine.forwardTokensAndSample(wrong as number[], true)).rejects.toMatchObject({
        code: "ERR_INVALID_ARGUMENT",
      });
    const long = new Array<number>(5000).fill(1);
    await expect(engine.forwardTokensAndSample(long, true)).rejects.toMatchObject({
      code: "ERR_CONTEXT_OVERFLOW",
    });
    expect(await engine.forwardTokensAndSample([1], true)).toBe(1);
  });
});

describe("an engine", () => {
  it("has web-llm's other names of its calls", async () => {
    const { engine } = await started();
    const used: webllm.MLCEngineInterface = engine;
    await used.reload("m");
    expect((await used.chatCompletion({ messages })).object).toBe("chat.completion");
    expect((await used.completion({ prompt: "a" })).object).toBe("text_completion");
    expect((await used.embedding({ input: "a" })).object).toBe("list");
    for await (const { object } of await used.chatCompletion({ messages, stream: true }))
      expect(object).toBe("chat.completion.chunk");
  });

  it("reads extra_body, and refuses what it does not know", async () => {
    const { engine, native } = await started();
    await engine.reload("m");
    const promptOf = (place: number) => Buffer.from(native.requests[place]?.tokens ?? []).toString("latin1");
    await engine.chatCompletion({ messages, extra_body: { enable_thinking: false } });
    await engine.chatCompletion({ messages, extra_body: { enable_thinking: true } });
    expect(promptOf(0)).toMatch(/quick$/);
    expect(promptOf(1)).toMatch(/slow$/);
    const asked = {
      messages,
      extra_body: { enable_latency_breakdown: true },
    } as webllm.ChatCompletionRequest;
    expect(() => engine.chatCompletion(asked)).toThrow(
      expect.objectContaining({ code: "ERR_UNSUPPORTED_FIELD" }),
    );
  });

  it("takes levels of logging, resets nothing before it has a model, and has no GPU", async () => {
    const { engine } = await started({ logLevel: "INFO" });
    engine.setLogLevel("SILENT");
    expect(() => engine.setLogLevel("LOUD" as webllm.LogLevel)).toThrow(/LOUD/);
    await engine.resetChat();
    for (const call of [engine.getGPUVendor, engine.getMaxStorageBufferBindingSize])
      expect(() => call()).toThrow(expect.objectContaining({ code: "ERR_UNSUPPORTED_FIELD" }));
  });
});

describe("models", () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "node-mlc-web-llm-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("records may say what a GPU needs; what would be dropped is refused", async () => {
    const reload = async (more: object) => {
      const model_list = [{ model_id: "m", model: folder, ...more }];
      const { engine } = await started({ appConfig: { model_list, useIndexedDBCache: true } });
      await engine.reload("m");
    };
    await reload({ model_lib: "x", vram_required_MB: 900, low_resource_required: true, model_type: 1 });
    for (const more of [{ integrity: {} }, { model_type: 2 }, { no_such_field: 1 }])
      await expect(reload(more)).rejects.toMatchObject({
        code: "ERR_UNSUPPORTED_FIELD",
        details: { field: Object.keys(more)[0] },
      });
  });

  it("are in the cache where their package is", async () => {
    const appConfig = { model_list: [{ model_id: "m", model: folder }] };
    expect(await webllm.hasModelInCache("m", appConfig)).toBe(false);
    expect(await webllm.hasModelInCache(path.join(folder, "none"))).toBe(false);
    writeFileSync(path.join(folder, "manifest.json"), "{");
    expect(await webllm.hasModelInCache(folder)).toBe(false);
    const whole = await writePackage(path.join(folder, "package"));
    expect(await webllm.hasModelInCache("m", { model_list: [{ model_id: "m", model: whole }] })).toBe(true);
    await expect(webllm.hasModelInCache("other", appConfig)).rejects.toMatchObject({
      code: "ERR_MODEL_NOT_FOUND",
    });
  });

  it("are not listed beforehand", () => expect(webllm.prebuiltAppConfig.model_list).toEqual([]));
});

it.each([
  [webllm.CreateWebWorkerMLCEngine, "CreateWebWorkerMLCEngine", "CreateMLCEngine"],
  [webllm.CreateServiceWorkerMLCEngine, "CreateServiceWorkerMLCEngine", "CreateMLCEngine"],
  [webllm.CreateExtensionServiceWorkerMLCEngine, "CreateExtensionServiceWorkerMLCEngine", "CreateMLCEngine"],
  [webllm.deleteModelAllInfoInCache, "deleteModelAllInfoInCache", "folder"],
  [webllm.deleteModelInCache, "deleteModelInCache", "folder"],
  [webllm.deleteChatConfigInCache, "deleteChatConfigInCache", "folder"],
  [webllm.deleteModelWasmInCache, "deleteModelWasmInCache", "folder"],
])("%o is refused by its name, with what to do instead", (call, name, instead) => {
  expect(() => call("m")).toThrow(
    expect.objectContaining({
      code: "ERR_UNSUPPORTED_FIELD",
      message: expect.stringContaining(instead),
      details: { name },
    }),
  );
});
