// The native engine over really compiled models: logits and greedy ids of Hugging Face transformers, in every mixture.
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cpuFeatures, type NativeEngineConfig } from "../../lib/ffi/index.js";
import { ModelPackage } from "../../lib/package/model-package.js";
import { compiledModel } from "../support/compiled-model.js";
import { fakeRequest, type Outcome, RunningEngine } from "../support/fake-model.js";
import { relativeError } from "../support/kernel-library.js";
import { readSafetensor } from "../support/safetensors.js";
import { sharedData } from "../support/shared-data.js";

const goldens = sharedData("goldens");

/** The configuration of a package's engine; `change` overrides parts of it. */
async function configOf(folder: string, change: Partial<NativeEngineConfig>): Promise<NativeEngineConfig> {
  const modelPackage = await ModelPackage.open(folder);
  const { model, limits, kvCache, weights, libraries } = modelPackage.manifest;
  return {
    library: modelPackage.file(libraries[0]?.file ?? ""),
    shards: weights.shards.map(({ file, bytes }) => ({ path: modelPackage.file(file), bytes })),
    params: weights.params.map(({ packedShape, ...param }) => ({ ...param, shape: packedShape })),
    vocabSize: model.vocabSize,
    layers: model.layers,
    kvHeads: model.keyValueHeads,
    headDim: model.headDim,
    kvDtype: kvCache.dtype,
    pageSize: limits.pageSize,
    pages: 64,
    contextLength: limits.contextLength,
    maxBatch: limits.maxBatch,
    prefillChunk: limits.prefillChunk,
    threads: 2,
    ...change,
  };
}

describe.skipIf(goldens === undefined).each(["llama", "llama3-rope", "mistral", "qwen2", "qwen3"])(
  "%s",
  (architecture) => {
    const folder = path.join(goldens ?? "", architecture);
    const golden = JSON.parse(readFileSync(path.join(folder, "golden.json"), "utf8")) as {
      prompt: number[];
      greedy: number[];
      logit_std: number;
    };
    const ids = readSafetensor(path.join(folder, "golden.safetensors"), "input_ids");
    const expected = readSafetensor(path.join(folder, "golden.safetensors"), "logits").data;
    const [count = 0, length = 0] = ids.shape;
    const rows = Array.from({ length: count }, (_, row) =>
      Int32Array.from(ids.data.subarray(row * length, (row + 1) * length)),
    );
    const load = async (change: Partial<NativeEngineConfig> = {}) =>
      RunningEngine.load(
        await configOf(
          await compiledModel(folder, {
            quantization: "q0f32",
            contextLength: 128,
            maxBatch: 8,
            prefillChunk: 32,
          }),
          change,
        ),
      );
    let running: RunningEngine;
    beforeAll(async () => {
      running = await load();
    });
    afterAll(() => running?.engine.dispose());

    it("computes the same logits to the last bit by every way, and those of transformers", async () => {
      const whole = await running.engine.evaluate(rows, {});
      const worst = whole.reduce((most, logit, i) => Math.max(most, Math.abs(logit - (expected[i] ?? 0))), 0);
      expect(worst / golden.logit_std).toBeLessThan(2e-4);
      for (const options of [
        { chunk: 7 },
        { chunk: 1 },
        { decode: 39 },
        { together: true },
        { together: true, chunk: 3, decode: 9 },
      ])
        expect(await running.engine.evaluate(rows, options), JSON.stringify(options)).toEqual(whole);
    });

    it("scores as its logits do", async () => {
      const row = rows[0] ?? new Int32Array();
      const vocabulary = expected.length / (count * length);
      const scores = await running.engine.score(row);
      scores.forEach((score, i) => {
        const logits = expected.subarray(i * vocabulary, (i + 1) * vocabulary);
        const normalizer = Math.log(Array.from(logits).reduce((sum, logit) => sum + Math.exp(logit), 0));
        expect(score).toBeCloseTo((logits[row[i + 1] ?? 0] ?? 0) - normalizer, 2);
      });
    });

    it("generates the golden ids alone, in a crowd, beside an evaluation, and after preemption", async () => {
      const { prompt, greedy } = golden;
      const crowd = (engine: RunningEngine): Promise<Outcome[]> =>
        Promise.all(
          [1, 2, 3, 4, 5, 6].map((id) =>
            engine.run(
              fakeRequest(
                id,
                id % 2 === 0 ? prompt : Array.from({ length: 20 * id }, (_, i) => ((i + 1) * id * 7) % 200),
                id % 2 === 0
                  ? { maxTokens: greedy.length }
                  : { maxTokens: 10, temperature: 1, seed: BigInt(id) },
              ),
            ),
          ),
        );
      const alone = await running.run(fakeRequest(100, prompt, { maxTokens: greedy.length }));
      expect(alone.tokens).toEqual(greedy);
      const [roomy] = await Promise.all([crowd(running), running.engine.evaluate(rows, { chunk: 3 })]);
      const small = await load({ pages: 9 });
      const tight = await crowd(small);
      expect(small.engine.stats()).toMatchObject({ pagesFree: 9, failed: 0 });
      await small.engine.dispose();
      for (const i of [1, 3, 5]) expect(roomy[i]?.tokens).toEqual(greedy);
      expect(tight.map(({ tokens }) => tokens)).toEqual(roomy.map(({ tokens }) => tokens));
    });

    it("loads and disposes 20 times without growth", async () => {
      const round = async () => {
        const engine = await load();
        await engine.run(fakeRequest(1, golden.prompt));
        await engine.engine.dispose();
      };
      for (let i = 0; i < 4; i++) await round();
      const before = process.memoryUsage.rss();
      for (let i = 0; i < 20; i++) await round();
      expect(process.memoryUsage.rss() - before).toBeLessThan(16 << 20);
    });
  },
);

// Whatever a page rounds, it rounds the same in every way of computing it.
it.skipIf(goldens === undefined)(
  "a cache in 8 bits gives the same logits to the last bit by every way",
  async () => {
    const folder = path.join(goldens ?? "", "qwen3");
    const ids = readSafetensor(path.join(folder, "golden.safetensors"), "input_ids").data;
    const rows = [Int32Array.from(ids.subarray(0, 40)), Int32Array.from(ids.subarray(40, 80))];
    const limits = { contextLength: 128, maxBatch: 8, prefillChunk: 32 };
    const options = { quantization: "q0f32", ...limits };
    const evaluated = async (kvCache: "int8" | "float32") => {
      const { engine } = await RunningEngine.load(
        await configOf(await compiledModel(folder, { ...options, kvCache }), {}),
      );
      const whole = await engine.evaluate(rows, {});
      for (const way of [{ chunk: 7 }, { decode: 39 }, { together: true, chunk: 3, decode: 9 }])
        expect(await engine.evaluate(rows, way), JSON.stringify(way)).toEqual(whole);
      const { kvBytes } = engine.stats();
      await engine.dispose();
      return { whole, kvBytes };
    };
    const codes = await evaluated("int8");
    const exact = await evaluated("float32");
    // Heads of 32 elements: 36 bytes instead of 128.
    expect(codes.kvBytes / exact.kvBytes).toBeCloseTo(36 / 128, 9);
    const error = relativeError(codes.whole, exact.whole);
    // The worst of 25,600 logits, in their root mean square.
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(0.1);
  },
);

it.skipIf(goldens === undefined || !cpuFeatures().includes("avx512bf16"))(
  "bfloat16 dot products give the same logits by every way and for any number of threads, near those in float32",
  async () => {
    const folder = path.join(goldens ?? "", "qwen3");
    const ids = readSafetensor(path.join(folder, "golden.safetensors"), "input_ids").data;
    const rows = [Int32Array.from(ids.subarray(0, 40)), Int32Array.from(ids.subarray(40, 80))];
    const options = { quantization: "q0bf16", contextLength: 128, maxBatch: 8, prefillChunk: 32 };
    const evaluated = async (activations: "int8" | "float32", threads: number) => {
      const compiled = await compiledModel(folder, { ...options, activations });
      const { engine } = await RunningEngine.load(await configOf(compiled, { threads }));
      const whole = await engine.evaluate(rows, {});
      for (const way of [{ chunk: 7 }, { decode: 39 }, { together: true, chunk: 3, decode: 9 }])
        expect(await engine.evaluate(rows, way), JSON.stringify(way)).toEqual(whole);
      await engine.dispose();
      return whole;
    };
    const rounded = await evaluated("int8", 2);
    expect(await evaluated("int8", 1)).toEqual(rounded);
    const error = relativeError(rounded, await evaluated("float32", 2));
    // The worst of 25,600 logits, in their root mean square; none would mean that no activation was rounded.
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(0.1);
  },
);

// The guarantee of docs/engine.md, over the kernels with the least exact arithmetic.
describe.skipIf(goldens === undefined).each(["float16", "int8"] as const)(
  "a seeded request over a %s cache",
  (kvCache) => {
    const folder = path.join(goldens ?? "", "qwen3");
    const prompt = Array.from({ length: 61 }, (_, i) => (i * 37 + 11) % 200);
    const seeded = { temperature: 1, seed: 5n, maxTokens: 24, logprobs: 3 };
    const other = (id: number) => {
      const shared = prompt.slice(0, (id * 23) % 60);
      const own = Array.from({ length: (id * 17) % 50 }, (_, i) => (i * id + 3) % 200);
      const change = { temperature: 1, seed: BigInt(id), maxTokens: 3 + ((id * 7) % 20), priority: id % 3 };
      return fakeRequest(id, [...shared, ...own, id % 200], change);
    };

    it("has the same tokens and log-probabilities in any company, chunking and cache", async () => {
      const limits = { contextLength: 128, maxBatch: 8, prefillChunk: 32 };
      const compiled = await compiledModel(folder, { quantization: "q4_0", kvCache, ...limits });
      let expected: Outcome | undefined;
      const cached = new Set<number | undefined>();
      for (const change of [
        { prefixCache: false },
        {},
        { prefillChunk: 7, threads: 1 },
        { pages: 12 },
        { pages: 10, maxBatch: 3, prefillChunk: 16 },
      ]) {
        const running = await RunningEngine.load(await configOf(compiled, change));
        expected ??= await running.run(fakeRequest(0, prompt, seeded));
        for (let round = 1; round <= 4; round++) {
          const ids = Array.from({ length: round * 3 }, (_, i) => round * 100 + i);
          const company = ids.map((id) => running.run(other(id)));
          const { tokens, logprobs, last } = await running.run(fakeRequest(round, prompt, seeded));
          expect({ tokens, logprobs }, JSON.stringify([change, round])).toEqual({
            tokens: expected.tokens,
            logprobs: expected.logprobs,
          });
          cached.add(last.cachedTokens);
          await Promise.all(company);
        }
        await running.engine.dispose();
      }
      expect(cached.size).toBeGreaterThan(2);
    });
  },
);
