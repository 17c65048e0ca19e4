/** Embeddings of a decoder, compiled and run: what does not change a vector, and what it says of texts. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compile } from "../../lib/compiler/index.js";
import { Engine } from "../../lib/index.js";
import { compiledModel } from "../support/compiled-model.js";
import { DEFAULT_MODEL } from "../support/live-server.js";
import { sharedData } from "../support/shared-data.js";

/** Of a sum of float32 rows that is added in another order. */
const ROUNDING = 1e-5;

const TEXTS = [
  "The cat sleeps on the warm sofa.",
  "A kitten is napping on the couch.",
  "The central bank has raised interest rates again.",
  "Interest rates were increased by the central bank.",
];
const LONG = "Rain fell over the quiet harbour while the ships waited for the tide. ".repeat(60);

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = a.reduce((sum, x, i) => sum + x * (b[i] ?? Number.NaN), 0);
  return dot / (Math.hypot(...a) * Math.hypot(...b));
}

function distance(a: readonly number[] = [], b: readonly number[] = []): number {
  return Math.max(...a.map((x, i) => Math.abs(x - (b[i] ?? Number.NaN))));
}

describe.skipIf(DEFAULT_MODEL === undefined)("embeddings of the default model", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.load(await compiledModel(DEFAULT_MODEL ?? "", { quantization: "keep" }), {
      maxBatch: 4,
      threads: 2,
    });
  });
  afterAll(() => engine?.dispose());
  const embed = async (input: readonly string[], pooling: "mean" | "cls" | "last" = "mean") => {
    const { data } = await engine.embeddings.create({ input, pooling });
    return data.map(({ embedding }) => embedding);
  };

  it.each(["mean", "cls", "last"] as const)(
    "one text has one vector, whatever stands beside it (%s)",
    async (pooling) => {
      const together = await embed([...TEXTS, LONG], pooling);
      const turned = (await embed([LONG, ...TEXTS].reverse(), pooling)).reverse();
      for (const [index, text] of TEXTS.entries()) {
        const [alone] = await embed([text], pooling);
        expect(alone).toHaveLength(engine.manifest.model.hiddenSize);
        expect(Math.hypot(...(alone ?? []))).toBeCloseTo(1, 6);
        // To the last bit.
        expect(together[index]).toEqual(alone);
        expect(turned[index + 1]).toEqual(alone);
      }
      expect((await embed([LONG], pooling))[0]).toEqual(together[4]);
    },
  );

  it("alike texts have alike vectors", async () => {
    const [cat = [], kitten = [], bank = [], rates = []] = await embed(TEXTS);
    for (const [text, other] of [
      [cat, kitten],
      [bank, rates],
    ] as const)
      for (const far of text === cat ? [bank, rates] : [cat, kitten])
        expect(cosine(text, other)).toBeGreaterThan(cosine(text, far));
  });

  it("generation goes on beside them, and says the same", async () => {
    const ask = () => engine.generate("The capital of Japan is", { maxTokens: 40, temperature: 0 }).result;
    const alone = await ask();
    const [beside, vectors] = await Promise.all([ask(), embed([...TEXTS, LONG])]);
    expect(beside.text).toBe(alone.text);
    expect(vectors[0]).toEqual((await embed(TEXTS))[0]);
  });

  it("an aborted call gives its pages back, and others go on", async () => {
    const controller = new AbortController();
    const gone = engine.embeddings.create(
      { input: Array.from({ length: 64 }, () => LONG) },
      { signal: controller.signal },
    );
    const stays = embed(TEXTS);
    setTimeout(() => controller.abort(), 50);
    await expect(gone).rejects.toMatchObject({ code: "ERR_ABORTED" });
    expect(await stays).toHaveLength(TEXTS.length);
    const { pagesTotal, pagesFree, pagesCached, requests } = engine.stats();
    expect(requests).toBe(0);
    expect(pagesFree + pagesCached).toBeGreaterThanOrEqual(pagesTotal);
  });
});

const stories = sharedData("stories260K", "hf");

describe.skipIf(stories === undefined)("a model with the metadata of sentence-transformers", () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "node-mlc-embedding-"));
  let engine: Engine;
  beforeAll(async () => {
    const source = path.join(folder, "model");
    cpSync(stories ?? "", source, { recursive: true });
    mkdirSync(path.join(source, "1_Pooling"));
    const type = "sentence_transformers.models";
    const files = {
      "modules.json": [
        { idx: 0, name: "0", path: "", type: `${type}.Transformer` },
        { idx: 1, name: "1", path: "1_Pooling", type: `${type}.Pooling` },
        { idx: 2, name: "2", path: "2_Normalize", type: `${type}.Normalize` },
      ],
      "1_Pooling/config.json": { pooling_mode_mean_tokens: true, pooling_mode_cls_token: false },
      "sentence_bert_config.json": { max_seq_length: 24 },
      "config_sentence_transformers.json": { prompts: { query: "Find: ", document: "" } },
    };
    for (const [name, content] of Object.entries(files))
      writeFileSync(path.join(source, name), JSON.stringify(content));
    const output = path.join(folder, "package");
    await compile(source, { output, quantization: "q0f32" });
    engine = await Engine.load(output, { threads: 1 });
  });
  afterAll(async () => {
    await engine?.dispose();
    rmSync(folder, { recursive: true });
  });
  const vector = async (body: { input: string | number[]; [field: string]: unknown }) =>
    (await engine.embeddings.create(body)).data[0]?.embedding;

  it("embeds by its pooling, its prompts and its length", async () => {
    const input = "Once upon a time";
    expect(engine.manifest.embedding).toEqual({
      pooling: "mean",
      maxTokens: 24,
      prompts: { query: "Find: ", document: "" },
    });
    const plain = await vector({ input });
    expect(distance(plain, await vector({ input, pooling: "mean" }))).toBe(0);
    expect(distance(plain, await vector({ input, pooling: "last" }))).toBeGreaterThan(0.01);
    const asked = await vector({ input, prompt_name: "query" });
    expect(distance(asked, await vector({ input: `Find: ${input}` }))).toBe(0);
    expect(distance(asked, plain)).toBeGreaterThan(0.01);
    const long = "One day a girl and a boy went to the park. ".repeat(4);
    await expect(vector({ input: long })).rejects.toMatchObject({
      code: "ERR_CONTEXT_OVERFLOW",
      details: { most: 24 },
    });
    const ids = engine.tokenize(long);
    const cut = await vector({ input: long, truncate: "end" });
    expect(distance(cut, await vector({ input: ids.slice(0, 24) }))).toBe(0);
    const tail = await vector({ input: long, truncate: "start" });
    expect(distance(tail, await vector({ input: [...ids.slice(0, 1), ...ids.slice(-23)] }))).toBe(0);
  });

  it("gives the mean of the rows that shorter texts end with", async () => {
    const ids = engine.tokenize("Once upon a time there was");
    const rows: (number[] | undefined)[] = [];
    for (let length = 1; length <= ids.length; length++)
      rows.push(await vector({ input: ids.slice(0, length), pooling: "last", normalize: false }));
    const mean = rows[0]?.map((_, i) => rows.reduce((sum, row) => sum + (row?.[i] ?? 0), 0) / rows.length);
    expect(distance(mean, await vector({ input: ids, normalize: false }))).toBeLessThan(ROUNDING);
    const first = await vector({ input: ids, pooling: "cls", normalize: false });
    expect(distance(first, rows[0])).toBeLessThan(ROUNDING);
  });

  it("ranks", async () => {
    const documents = ["The dog ran to the park.", "Once upon a time there was a little girl."];
    const { results } = await engine.rerank({ query: documents[1] ?? "", documents });
    expect(results.map(({ index }) => index)).toEqual([1, 0]);
    for (const { relevance_score: score } of results) expect(Math.abs(score)).toBeLessThanOrEqual(1);
  });
});
