import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NativeEngineConfig, NativePooling } from "../../lib/ffi/index.js";
import { fakeAnswer, fakeModel, fakePrompt, fakeRequest, RunningEngine } from "../support/fake-model.js";

const HIDDEN = 16;
const texts = [5, 70, 1, 33, 250, 16].map((length, seed) => Int32Array.from(fakePrompt(length, seed)));

/** The fake model's row after `tokens`: the last token, then numbers that all of them decide. */
function fakeRow(tokens: Int32Array): number[] {
  let hash = 17;
  for (const token of tokens) {
    hash = Math.imul(Math.imul(hash, 31) + token + 1, 2654435761);
    hash = (hash ^ (hash >>> 15)) >>> 0;
  }
  const rest = Array.from({ length: HIDDEN - 1 }, (_, i) =>
    Math.fround(((hash + (i + 1) * 7) % 1000) / 1000),
  );
  return [tokens.at(-1) ?? Number.NaN, ...rest];
}

function pooled(text: Int32Array, pooling: NativePooling): number[] {
  if (pooling === "cls") return fakeRow(text.subarray(0, 1));
  if (pooling === "last") return fakeRow(text);
  const rows = Array.from(text, (_, i) => fakeRow(text.subarray(0, i + 1)));
  return Array.from({ length: HIDDEN }, (_, i) =>
    Math.fround(rows.reduce((sum, row) => sum + (row[i] ?? Number.NaN), 0) / rows.length),
  );
}

describe("embed", () => {
  let running: RunningEngine;
  let nextId = 1000;
  const embed = (list: readonly Int32Array[], pooling: NativePooling) =>
    running.engine.embed(nextId++, list, pooling);
  beforeAll(async () => {
    running = await RunningEngine.load(fakeModel());
  });
  afterAll(() => running.engine.dispose());

  it.each(["mean", "cls", "last"] as const)(
    "pools %s rows, of texts in a batch and alone",
    async (pooling) => {
      const expected = texts.map((text) => pooled(text, pooling));
      expect([...(await embed(texts, pooling))]).toEqual(expected.flat());
      for (const [i, text] of texts.entries())
        expect([...(await embed([text], pooling))]).toEqual(expected[i]);
      expect(running.engine.stats().pagesFree).toBe(64);
    },
  );

  it("runs beside generation, which is not disturbed", async () => {
    const outcomes = [1, 2, 3].map((id) =>
      running.run(fakeRequest(id, fakePrompt(60, id), { maxTokens: 60 })),
    );
    const all = await Promise.all([1, 2, 3].map(() => embed(texts, "mean")));
    const expected = texts.flatMap((text) => pooled(text, "mean"));
    for (const vectors of all) expect([...vectors]).toEqual(expected);
    for (const [i, { tokens }] of (await Promise.all(outcomes)).entries())
      expect(tokens).toEqual(fakeAnswer(fakePrompt(60, i + 1), 60));
  });

  it("an id is in use until the promise is settled", async () => {
    const first = running.engine.embed(1, texts, "mean");
    const inUse = expect.objectContaining({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringMatching(/received 1/),
    });
    expect(() => running.engine.embed(1, texts, "mean")).toThrow(inUse);
    expect(() => running.engine.submit(fakeRequest(1, [1]))).toThrow(inUse);
    await first;
    expect(await running.engine.embed(1, texts, "mean")).toHaveLength(texts.length * HIDDEN);
    expect((await running.run(fakeRequest(1, [1]))).tokens).toHaveLength(8);
  });

  it("a text that can never fit into the pool is refused", async () => {
    const small = await RunningEngine.load(fakeModel({}, { pages: 4 }));
    const text = Int32Array.from(fakePrompt(65));
    expect(() => small.engine.embed(1, [text], "mean")).toThrow(
      expect.objectContaining({ code: "ERR_INSUFFICIENT_MEMORY" }),
    );
    expect(await small.engine.embed(1, [text.subarray(0, 64)], "mean")).toHaveLength(HIDDEN);
    await small.engine.dispose();
  });

  it("a model that fails, or computes no numbers, rejects; others go on", async () => {
    const frail = await RunningEngine.load(fakeModel({ failingToken: 49, nanToken: 48 }, { maxBatch: 1 }));
    const failing = frail.engine.embed(1, [Int32Array.of(1, 49)], "last");
    const sick = frail.engine.embed(2, [Int32Array.of(1), Int32Array.of(1, 48), Int32Array.of(2)], "mean");
    const sound = frail.engine.embed(3, [Int32Array.of(1, 2)], "last");
    await expect(failing).rejects.toMatchObject({ code: "ERR_NATIVE", message: /told to fail/ });
    await expect(sick).rejects.toMatchObject({ code: "ERR_NATIVE", message: /finite/ });
    expect([...(await sound)]).toEqual(fakeRow(Int32Array.of(1, 2)));
    expect(frail.engine.stats().pagesFree).toBe(64);
    await frail.engine.dispose();
  });
});

describe("an encoder", () => {
  it("embeds whole texts and refuses to generate", async () => {
    const { engine } = await RunningEngine.load(
      fakeModel({}, { encoder: true, contextLength: 250, prefillChunk: 256 }),
    );
    const vectors = await engine.embed(1, texts, "mean");
    expect([...vectors]).toEqual(texts.flatMap((text) => pooled(text, "mean")));
    expect(() => engine.submit(fakeRequest(2, [1]))).toThrow(
      expect.objectContaining({
        code: "ERR_UNSUPPORTED_FIELD",
        message: expect.stringMatching(/embeds only/),
      }),
    );
    await engine.dispose();
  });

  it.each<[string, Partial<NativeEngineConfig>, RegExp]>([
    ["a chunk below the context", { contextLength: 256, prefillChunk: 255 }, /prefillChunk.*255/],
    ["speculation", { prefillChunk: 256, speculation: { draftTokens: 4 } }, /speculation/],
  ])("is not loaded with %s", async (_name, change, message) => {
    await expect(RunningEngine.load(fakeModel({}, { encoder: true, ...change }))).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringMatching(message),
    });
  });

  it("gives a classifier's logits in place of rows, as many as it says", async () => {
    const sizes = { encoder: true, prefillChunk: 256 };
    // The fake model computes rows of 16 numbers, whatever they are called.
    const { engine } = await RunningEngine.load(fakeModel({}, { ...sizes, labels: HIDDEN }));
    expect([...(await engine.embed(1, texts, "cls"))]).toEqual(texts.flatMap((text) => pooled(text, "cls")));
    await engine.dispose();
    await expect(RunningEngine.load(fakeModel({}, { ...sizes, labels: 2 }))).rejects.toMatchObject({
      code: "ERR_INVALID_PACKAGE",
      message: expect.stringMatching(/float32 \[1, 2\]/),
    });
    await expect(RunningEngine.load(fakeModel({}, { labels: 1 }))).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringMatching(/labels/),
    });
  });

  it("drafts for nobody", async () => {
    const { speculation: _, ...model } = fakeModel({}, { encoder: true, prefillChunk: 256 });
    const change = { speculation: { draftTokens: 4, model } };
    await expect(RunningEngine.load(fakeModel({}, change))).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringMatching(/model that generates/),
    });
  });
});

describe("the end of an embedding", () => {
  it("abort rejects and frees the pages", async () => {
    const { engine } = await RunningEngine.load(fakeModel({ stepMs: 2 }));
    const gone = engine.embed(1, texts, "mean");
    const stays = engine.embed(2, texts.slice(0, 1), "mean");
    engine.abort(1);
    await expect(gone).rejects.toMatchObject({ code: "ERR_ABORTED" });
    expect([...(await stays)]).toEqual(pooled(texts[0] ?? new Int32Array(), "mean"));
    expect(engine.stats().pagesFree).toBe(64);
    await engine.dispose();
  });

  it("dispose rejects", async () => {
    const { engine } = await RunningEngine.load(fakeModel({ stepMs: 2 }));
    const gone = engine.embed(1, texts, "mean");
    const disposal = engine.dispose();
    await expect(gone).rejects.toMatchObject({ code: "ERR_ABORTED" });
    await disposal;
  });
});
