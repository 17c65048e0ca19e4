/** Ranking over a native engine whose vectors count tokens: texts of the same letters point the same way. */
import { describe, expect, it } from "vitest";
import {
  byteTokenizer,
  END,
  fakeEngine,
  fakeManifest,
  START,
  textScript,
} from "../../support/fake-engine.js";

const script = textScript("unused");
const bytes = (text: string) => [...new TextEncoder().encode(text)];

describe("engine.rerank", () => {
  it("puts the best document first, with cosines", async () => {
    const { engine, native } = await fakeEngine(script);
    const documents = ["bb", { text: "ab" }, "aaaa"];
    const answer = await engine.rerank({ query: "aa", documents });
    expect(answer).toMatchObject({ model: "fake", usage: { prompt_tokens: 10, total_tokens: 10 } });
    expect(answer.id).toMatch(/^rerank-/);
    expect(answer.results).toEqual([
      { index: 2, relevance_score: expect.closeTo(1, 6), document: { text: "aaaa" } },
      { index: 1, relevance_score: expect.closeTo(Math.SQRT1_2, 6), document: { text: "ab" } },
      { index: 0, relevance_score: 0, document: { text: "bb" } },
    ]);
    expect(answer.results.every(({ relevance_score: score }) => score <= 1)).toBe(true);
    // One call: the query is computed beside the documents.
    expect(native.embedded).toHaveLength(1);
  });

  it("gives no more than asked, and of equals the first", async () => {
    const { engine } = await fakeEngine(script);
    const body = { query: "a", documents: ["b", "a", "aa"], return_documents: false };
    const { results } = await engine.rerank({ ...body, top_n: 2 });
    expect(results).toEqual([
      { index: 1, relevance_score: 1 },
      { index: 2, relevance_score: 1 },
    ]);
    expect((await engine.rerank({ ...body, top_n: 9 })).results).toHaveLength(3);
  });

  it("puts the package's prompts of the two sides before them", async () => {
    const prompts = { query: "Q:", passage: "D:", other: "O:" };
    const manifest = fakeManifest({ embedding: { pooling: "mean", prompts, defaultPrompt: "other" } });
    const { engine, native } = await fakeEngine(script, { manifest });
    await engine.rerank({ query: "a", documents: ["b"] });
    expect(native.embedded).toMatchObject([{ texts: [bytes("Q:a"), bytes("D:b")], pooling: "mean" }]);
  });

  it.each([
    [{ documents: ["a"] }, "ERR_INVALID_ARGUMENT", "query"],
    [{ query: "", documents: ["a"] }, "ERR_INVALID_ARGUMENT", "query"],
    [{ query: "a" }, "ERR_INVALID_ARGUMENT", "documents"],
    [{ query: "a", documents: [] }, "ERR_INVALID_ARGUMENT", "documents"],
    [{ query: "a", documents: ["a", ""] }, "ERR_INVALID_ARGUMENT", "documents[1]"],
    [{ query: "a", documents: [{ text: 1 }] }, "ERR_INVALID_ARGUMENT", "documents[0].text"],
    [{ query: "a", documents: [{ text: "a", image: "b" }] }, "ERR_INVALID_ARGUMENT", undefined],
    [{ query: "a", documents: ["a"], top_n: 0 }, "ERR_INVALID_ARGUMENT", "top_n"],
    [{ query: "a", documents: ["a"], return_documents: 1 }, "ERR_INVALID_ARGUMENT", "return_documents"],
    [{ query: "a", documents: ["a"], rank_fields: ["x"] }, "ERR_UNSUPPORTED_FIELD", undefined],
    [{ query: "a", documents: ["a", "x".repeat(300)] }, "ERR_CONTEXT_OVERFLOW", "documents[1]"],
    [
      { query: "a", documents: Array.from({ length: 2048 }, () => "a") },
      "ERR_INVALID_ARGUMENT",
      "the length of documents",
    ],
  ])("%j is refused", async (body, code, name) => {
    const { engine, native } = await fakeEngine(script);
    const made = engine.rerank(body as Parameters<typeof engine.rerank>[0]);
    await expect(made).rejects.toMatchObject({ code, details: name === undefined ? {} : { name } });
    expect(native.embedded).toEqual([]);
  });

  it("ends with its signal", async () => {
    const { engine } = await fakeEngine(script);
    const made = engine.rerank({ query: "a", documents: ["b"] }, { signal: AbortSignal.abort() });
    await expect(made).rejects.toMatchObject({ code: "ERR_ABORTED" });
  });
});

describe("engine.rerank of a cross-encoder", () => {
  const special = (id: string, type: number) => ({ SpecialToken: { id, type_id: type } });
  const sequence = (id: string, type: number) => ({ Sequence: { id, type_id: type } });
  const tokenizer = byteTokenizer([], {
    post_processor: {
      type: "TemplateProcessing",
      single: [special("<|start|>", 0), sequence("A", 0), special("<|end|>", 0)],
      pair: [
        special("<|start|>", 0),
        sequence("A", 0),
        special("<|end|>", 0),
        sequence("B", 1),
        special("<|end|>", 1),
      ],
      special_tokens: {
        "<|start|>": { id: "<|start|>", ids: [START], tokens: ["<|start|>"] },
        "<|end|>": { id: "<|end|>", ids: [END], tokens: ["<|end|>"] },
      },
    },
  });
  const { libraries, model } = fakeManifest();
  const ranker = (tokenTypes = 2) =>
    fakeManifest({
      ranking: { labels: 1, tokenTypes, score: "sigmoid" },
      libraries: libraries.map((library) => ({
        ...library,
        functions: ["embed", "encode"].map((name) => ({ name, temporaryBytes: 0 })),
      })),
    });
  const second = (ids: readonly number[], types = 2) =>
    types === 1 ? ids : ids.map((id) => id + model.vocabSize);

  it.each([1, 2])("puts each document behind the query, with %i kinds of tokens", async (types) => {
    const { engine, native } = await fakeEngine(script, { manifest: ranker(types), tokenizer });
    const { usage } = await engine.rerank({ query: "ab", documents: ["c", { text: "dd" }] });
    const first = [START, ...bytes("ab"), END];
    expect(native.embedded).toMatchObject([
      {
        texts: [
          [...first, ...second([...bytes("c"), END], types)],
          [...first, ...second([...bytes("dd"), END], types)],
        ],
        pooling: "cls",
      },
    ]);
    expect(usage.total_tokens).toBe(13);
    expect(engine.stats()).toMatchObject({ embeddedTexts: 2, embeddedTokens: 13, requests: 0 });
  });

  it("shortens the document alone", async () => {
    const { engine, native } = await fakeEngine(script, { manifest: ranker(), tokenizer });
    const body = { query: "q".repeat(100), documents: [`${"x".repeat(200)}${"y".repeat(200)}`] };
    const room = 256 - 103;
    await engine.rerank(body);
    await engine.rerank({ ...body, truncate: "start" });
    const cut = native.embedded.map(({ texts }) => texts[0]?.slice(102, -1));
    expect(cut).toEqual([second(bytes("x".repeat(room))), second(bytes("y".repeat(room)))]);
    const refused = { code: "ERR_CONTEXT_OVERFLOW" };
    await expect(engine.rerank({ ...body, truncate: "none" })).rejects.toMatchObject({
      ...refused,
      details: { name: "documents[0]", tokens: 503, most: 256 },
    });
    await expect(engine.rerank({ query: "q".repeat(253), documents: ["a"] })).rejects.toMatchObject({
      ...refused,
      details: { name: "query" },
    });
    expect(native.embedded).toHaveLength(2);
    expect(engine.stats().requests).toBe(0);
  });

  it("is refused where the tokenizer joins no texts, and does not embed", async () => {
    const { engine, native } = await fakeEngine(script, { manifest: ranker() });
    await expect(engine.rerank({ query: "a", documents: ["b"] })).rejects.toMatchObject({
      code: "ERR_UNSUPPORTED_FIELD",
      message: expect.stringMatching(/joins two texts/),
    });
    await expect(engine.embeddings.create({ input: "a" })).rejects.toMatchObject({
      code: "ERR_UNSUPPORTED_FIELD",
      message: expect.stringMatching(/cross-encoder/),
    });
    expect(native.embedded).toEqual([]);
  });
});
