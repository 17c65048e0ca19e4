import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fakeAnswer, fakeModel, fakePrompt, fakeRequest, RunningEngine } from "../support/fake-model.js";

const vocabSize = 50;
const rows = [1, 2, 3, 4, 5].map((seed) => Int32Array.from(fakePrompt(70, seed)));

describe("evaluate", () => {
  let running: RunningEngine;
  let whole: Float32Array;
  beforeAll(async () => {
    running = await RunningEngine.load(fakeModel({ vocabSize }, { prefillChunk: 128 }));
    whole = await running.engine.evaluate(rows);
  });
  afterAll(() => running.engine.dispose());

  it("returns the logits of every position", () => {
    expect(whole).toBeInstanceOf(Float32Array);
    expect(whole).toHaveLength(5 * 70 * vocabSize);
    rows.forEach((row, r) => {
      for (const position of [0, 15, 16, 42, 69]) {
        const start = (r * 70 + position) * vocabSize;
        const logits = whole.subarray(start, start + vocabSize);
        const [next] = fakeAnswer([...row.subarray(0, position + 1)], 1);
        expect(logits.indexOf(10)).toBe(next);
      }
    });
  });

  it.each([
    ["chunks of 7", { chunk: 7 }],
    ["chunks of 16", { chunk: 16 }],
    ["chunks beyond the compiled one", { chunk: 100_000 }],
    ["the last one by one", { decode: 9 }],
    ["all one by one", { decode: 70 }],
    ["together", { together: true }],
    ["together in chunks, then one by one", { together: true, chunk: 13, decode: 20 }],
    ["nothing one by one", { decode: 0, together: false }],
  ])("%s gives the same", async (_name, options) => {
    expect(await running.engine.evaluate(rows, options)).toEqual(whole);
    expect(running.engine.stats().pagesFree).toBe(64);
  });

  it("runs beside generation, which is not disturbed", async () => {
    const outcomes = [1, 2, 3].map((id) =>
      running.run(fakeRequest(id, fakePrompt(60, id), { maxTokens: 60 })),
    );
    const evaluations = [1, 2, 3].map(() => running.engine.evaluate(rows, { together: true, chunk: 5 }));
    for (const logits of await Promise.all(evaluations)) expect(logits).toEqual(whole);
    for (const [i, { tokens }] of (await Promise.all(outcomes)).entries())
      expect(tokens).toEqual(fakeAnswer(fakePrompt(60, i + 1), 60));
  });

  it("fails with a code when the pool can never hold it, and the engine lives on", async () => {
    const small = await RunningEngine.load(fakeModel({}, { pages: 4 }));
    await expect(small.engine.evaluate(rows)).rejects.toMatchObject({ code: "ERR_INSUFFICIENT_MEMORY" });
    expect(await small.engine.evaluate([Int32Array.of(1)])).toHaveLength(vocabSize);
    await small.engine.dispose();
  });

  it("takes the pages of running requests when there are too few", async () => {
    const small = await RunningEngine.load(fakeModel({ stepMs: 1 }, { pages: 8 }));
    const outcome = small.run(fakeRequest(1, fakePrompt(50), { maxTokens: 60 }));
    await small.tokens(1, 5);
    expect(await small.engine.evaluate(rows.slice(0, 1))).toEqual(whole.slice(0, 70 * vocabSize));
    expect((await outcome).tokens).toEqual(fakeAnswer(fakePrompt(50), 60));
    expect((await outcome).last.preemptions).toBeGreaterThan(0);
    await small.engine.dispose();
  });
});

describe("score", () => {
  it("is the log-softmax of the logits at the next token", async () => {
    const { engine } = await RunningEngine.load(fakeModel({ vocabSize }));
    const tokens = rows[0] ?? new Int32Array();
    const logits = await engine.evaluate([tokens]);
    const scores = await engine.score(tokens);
    expect(scores).toHaveLength(69);
    for (const [i, score] of scores.entries()) {
      const row = logits.subarray(i * vocabSize, (i + 1) * vocabSize);
      const normalizer = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
      expect(score).toBeCloseTo((row[tokens[i + 1] ?? 0] ?? 0) - normalizer, 4);
    }
    await engine.dispose();
  });

  it("keeps a step's logits below 64 MiB whatever the vocabulary", async () => {
    const { engine } = await RunningEngine.load(
      fakeModel({ vocabSize: 500_000 }, { contextLength: 256, prefillChunk: 256 }),
    );
    const before = engine.stats().steps;
    await engine.score(Int32Array.from(fakePrompt(101)));
    const grown = process.memoryUsage().rss;
    expect(grown).toBeLessThan(1 << 30);
    expect(engine.stats().steps).toBe(before); // evaluations are no generation steps
    await engine.dispose();
  });
});
