/** Embeddings of a decoder, compiled and run: what does not change a vector, and what it says of texts. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Engine } from "../../lib/index.js";
import { compiledModel } from "../support/compiled-model.js";
import { DEFAULT_MODEL } from "../support/live-server.js";

/** Rows of a step are computed alike whatever stands beside them, up to the order in which a kernel adds. */
const SAME = 1e-5;

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
        expect(distance(alone, together[index])).toBeLessThan(SAME);
        expect(distance(alone, turned[index + 1])).toBeLessThan(SAME);
      }
      expect(distance((await embed([LONG], pooling))[0], together[4])).toBeLessThan(SAME);
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
    expect(distance(vectors[0], (await embed(TEXTS))[0])).toBeLessThan(SAME);
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
