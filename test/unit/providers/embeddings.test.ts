/** Embeddings through the AI SDK's and LangChain's own functions, on engines whose vectors count letters. */
import { FakeVectorStore } from "@langchain/core/utils/testing";
import { cosineSimilarity, embed, embedMany, rerank } from "ai";
import { describe, expect, it } from "vitest";
import { embeddingModel, rerankingModel } from "../../../lib/providers/ai-sdk.js";
import { NodeMlcEmbeddings } from "../../../lib/providers/langchain.js";
import { createMockEngine } from "../../../lib/testing/mock-engine.js";
import { fakeEngine, fakeManifest, textScript } from "../../support/fake-engine.js";

const bytes = (text: string) => [...new TextEncoder().encode(text)];

async function withPrompts() {
  const prompts = { query: "Q:", document: "D:" };
  const manifest = fakeManifest({ embedding: { pooling: "mean", prompts } });
  return fakeEngine(textScript("unused"), { manifest });
}

describe("the AI SDK", () => {
  it("embeds one value, cut to the dimensions asked for", async () => {
    const { engine } = await createMockEngine({ answers: "" });
    const model = embeddingModel(engine);
    const { embedding, usage } = await embed({ model, value: "aab" });
    expect(usage.tokens).toBe(3);
    expect(Math.hypot(...embedding)).toBeCloseTo(1, 6);
    const options = { "node-mlc": { normalize: false } };
    const raw = await embed({ model, value: "aab", providerOptions: options });
    expect(Math.hypot(...raw.embedding)).toBeCloseTo(Math.sqrt(5), 6);
    const cut = await model.doEmbed({ values: ["aab"], dimensions: 40 });
    expect(cut.embeddings[0]).toHaveLength(40);
  });

  it("embeds many, in order", async () => {
    const { engine } = await createMockEngine({ answers: "" });
    const values = Array.from({ length: 2100 }, (_, i) => (i % 2 === 0 ? "aa" : "bb"));
    const { embeddings, usage } = await embedMany({ model: embeddingModel(engine), values });
    expect(embeddings).toHaveLength(2100);
    expect(usage.tokens).toBe(4200);
    const [a = [], b = []] = embeddings;
    expect(cosineSimilarity(a, embeddings[2098] ?? [])).toBeCloseTo(1, 6);
    expect(cosineSimilarity(b, embeddings[2098] ?? [])).toBe(0);
  });

  it("has prompts by name, errors as they are, and ends with its signal", async () => {
    const { engine, native } = await withPrompts();
    const model = embeddingModel(engine);
    const providerOptions = { "node-mlc": { prompt_name: "query" } };
    await embed({ model, value: "a", providerOptions });
    expect(native.embedded[0]?.texts).toEqual([bytes("Q:a")]);
    await expect(embed({ model, value: "" })).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    const misspelt = { "node-mlc": { prompt_nam: "query" } };
    await expect(embed({ model, value: "a", providerOptions: misspelt })).rejects.toMatchObject({
      code: "ERR_UNSUPPORTED_FIELD",
    });
    native.embedMs = 200;
    const controller = new AbortController();
    const made = embed({ model, value: "a", abortSignal: controller.signal });
    await expect.poll(() => native.embedded).toHaveLength(2);
    controller.abort();
    await expect(made).rejects.toMatchObject({ code: "ERR_ABORTED" });
    expect(native.aborted).toHaveLength(1);
  });

  it("ranks texts, and objects by their JSON", async () => {
    const { engine } = await createMockEngine({ answers: "" });
    const model = rerankingModel(engine);
    const { ranking, rerankedDocuments } = await rerank({
      model,
      query: "aa",
      documents: ["b", "ab", "a"],
      topN: 2,
    });
    expect(rerankedDocuments).toEqual(["a", "ab"]);
    expect(ranking.map(({ originalIndex }) => originalIndex)).toEqual([2, 1]);
    expect(ranking[0]?.score).toBeCloseTo(1, 6);
    const objects = await rerank({ model, query: "aaaa", documents: [{ x: "bbbb" }, { x: "aaaa" }] });
    expect(objects.rerankedDocuments[0]).toEqual({ x: "aaaa" });
  });
});

describe("LangChain", () => {
  it("embeds documents and queries, with the package's prompts", async () => {
    const { engine, native } = await withPrompts();
    const embeddings = new NodeMlcEmbeddings({ engine, fields: { dimensions: 40 } });
    const vectors = await embeddings.embedDocuments(["a", "b"]);
    expect(vectors.map((vector) => vector.length)).toEqual([40, 40]);
    expect(await embeddings.embedQuery("a")).toHaveLength(40);
    expect(native.embedded).toMatchObject([
      { texts: [bytes("D:a"), bytes("D:b")], pooling: "mean" },
      { texts: [bytes("Q:a")] },
    ]);
    expect(await embeddings.embedDocuments([])).toEqual([]);
    await expect(embeddings.embedDocuments(["a", ""])).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
  });

  it("takes more documents than a call, for a vector store", async () => {
    const { engine } = await createMockEngine({ answers: "" });
    const embeddings = new NodeMlcEmbeddings({ engine });
    const texts = Array.from({ length: 2100 }, (_, i) => `document ${i}`);
    const store = await FakeVectorStore.fromTexts(
      texts,
      texts.map((_, id) => ({ id })),
      embeddings,
    );
    const [best] = await store.similaritySearch("2099 document", 1);
    expect([...(best?.pageContent ?? "")].sort()).toEqual([..."2099 document"].sort());
  });
});
