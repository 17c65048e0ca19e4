/** Cross-encoders with random weights: compiled, loaded and asked to rank, against the mathematics in double precision. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { compile } from "../../lib/compiler/index.js";
import { Engine } from "../../lib/index.js";
import { createHandler } from "../../lib/server/index.js";
import { nodeMlc } from "../support/command-line.js";
import { type EncoderToken, ReferenceEncoder } from "../support/reference/encoder.js";
import { PIECES, TINY_BERT, type TinyBertOptions, tinyBert, writeTinyBert } from "../support/tiny-bert.js";

const root = mkdtempSync(path.join(tmpdir(), "cross-encoder-"));
afterAll(() => rmSync(root, { recursive: true }));

const QUERY = "Where does the cat sleep?";
const DOCUMENTS = ["Rates rise in spring.", "A cat sleeps on the sofa.", "The rain, unhappy!"];
/** The pieces of these texts, by hand. */
const WORDS: Readonly<Record<string, string>> = {
  [QUERY]: "where does the cat sleep ?",
  [DOCUMENTS[0] ?? ""]: "rates rise in spring .",
  [DOCUMENTS[1] ?? ""]: "a cat sleeps on the sofa .",
  [DOCUMENTS[2] ?? ""]: "the rain , un ##happy !",
};
const id = (piece: string) => PIECES.indexOf(piece);
const idsOf = (text: string) => (WORDS[text] ?? "").split(" ").map(id);

/** `[CLS] query [SEP] document [SEP]`, of two kinds. */
function bertPair(document: readonly number[]): EncoderToken[] {
  const first = [id("[CLS]"), ...idsOf(QUERY), id("[SEP]")].map((token) => ({ id: token, type: 0 }));
  return [...first, ...[...document, id("[SEP]")].map((token) => ({ id: token, type: 1 }))];
}

/** `<s> query </s></s> document </s>`, of one kind. */
function robertaPair(document: readonly number[]): EncoderToken[] {
  const [start, end] = [id("[CLS]"), id("[SEP]")];
  return [start, ...idsOf(QUERY), end, end, ...document, end].map((token) => ({ id: token, type: 0 }));
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

let packages = 0;

async function load(
  options: TinyBertOptions,
  quantization: "q0f32" | "default" = "q0f32",
  change: object = {},
  files: Readonly<Record<string, object>> = {},
) {
  const model = tinyBert(options);
  const name = path.join(root, `model-${packages++}`);
  const source = writeTinyBert(name, model, change, files);
  const output = `${name}-package`;
  await compile(source, { output, ...(quantization === "default" ? {} : { quantization }) });
  const engine = await Engine.load(output, { threads: 2 });
  return { engine, output, model, reference: new ReferenceEncoder(model.shape, model.weights) };
}

/** Scores in the order of the documents. */
async function scores(engine: Engine, documents: readonly string[] = DOCUMENTS) {
  const { results } = await engine.rerank({ query: QUERY, documents });
  return results.sort((a, b) => a.index - b.index).map(({ relevance_score: score }) => score);
}

function expectClose(received: readonly number[], expected: readonly number[], tolerance = 1e-5): void {
  expect(received).toHaveLength(expected.length);
  for (const [i, value] of expected.entries())
    expect(Math.abs((received[i] ?? Number.NaN) - value)).toBeLessThan(tolerance);
}

describe("a BertForSequenceClassification of one label", () => {
  it("scores pairs by the sigmoid of its logit, best first", async () => {
    const { engine, output, model, reference } = await load({ labels: 1 });
    await using _ = engine;
    const logits = DOCUMENTS.map(
      (text) => reference.logits(bertPair(idsOf(text)), model.head)[0] ?? Number.NaN,
    );
    // Another kind of token, or another order, would be seen.
    const oneKind = DOCUMENTS.map(
      (text) =>
        reference.logits(
          bertPair(idsOf(text)).map((token) => ({ ...token, type: 0 })),
          model.head,
        )[0] ?? Number.NaN,
    );
    logits.forEach((logit, i) => {
      expect(Math.abs(logit - (oneKind[i] ?? logit))).toBeGreaterThan(0.02);
    });
    expectClose(await scores(engine), logits.map(sigmoid));
    const order = [0, 1, 2].sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0));
    const answer = await engine.rerank({ query: QUERY, documents: DOCUMENTS, top_n: 2 });
    expect(answer.results.map(({ index }) => index)).toEqual(order.slice(0, 2));
    const tokens = DOCUMENTS.reduce((sum, text) => sum + bertPair(idsOf(text)).length, 0);
    expect(answer.usage).toEqual({ prompt_tokens: tokens, total_tokens: tokens });
    // Alone and in company: the same to the last bit.
    const together = await scores(engine);
    for (const [i, text] of DOCUMENTS.entries()) expect(await scores(engine, [text])).toEqual([together[i]]);
    expect(engine.manifest).toMatchObject({
      version: 3,
      ranking: { labels: 1, tokenTypes: 2, score: "sigmoid" },
    });
    expect((await nodeMlc("inspect", output)).stdout).toContain("cross-encoder: ranking only");
  });

  it("cuts the document to what is left of the context, at the end that is asked for, and never the query", async () => {
    const { engine, model, reference } = await load({ labels: 1 });
    await using _ = engine;
    const words = Array.from({ length: 60 }, (_, i) => PIECES[5 + (i % 12)] ?? "");
    const long = words.map(id);
    const room = TINY_BERT.positions - bertPair([]).length;
    const score = async (truncate?: "none" | "start" | "end") => {
      const body = { query: QUERY, documents: [words.join(" ")], ...(truncate && { truncate }) };
      return (await engine.rerank(body)).results[0]?.relevance_score ?? Number.NaN;
    };
    const expected = (document: readonly number[]) =>
      sigmoid(reference.logits(bertPair(document), model.head)[0] ?? Number.NaN);
    const [end, start] = [expected(long.slice(0, room)), expected(long.slice(-room))];
    expect(Math.abs(end - start)).toBeGreaterThan(1e-3);
    expectClose([await score(), await score("end"), await score("start")], [end, end, start]);
    await expect(score("none")).rejects.toMatchObject({
      code: "ERR_CONTEXT_OVERFLOW",
      details: { name: "documents[0]", most: TINY_BERT.positions },
    });
    const query = words.join(" ");
    await expect(engine.rerank({ query, documents: ["cat"] })).rejects.toMatchObject({
      code: "ERR_CONTEXT_OVERFLOW",
      details: { name: "query" },
    });
  });

  it("does not embed or generate, and ranks over HTTP", async () => {
    const { engine } = await load({ labels: 1 });
    await using _ = engine;
    const refusal = expect.objectContaining({
      code: "ERR_UNSUPPORTED_FIELD",
      message: expect.stringMatching(/cross-encoder|ranks only/),
    });
    await expect(engine.embeddings.create({ input: "cat" })).rejects.toThrow(refusal);
    await expect(engine.completions.create({ prompt: "cat" })).rejects.toThrow(refusal);
    const handler = await createHandler({ models: [{ name: "ranker", engine }] });
    const ask = (place: string, body: object) =>
      handler.fetch(
        new Request(`http://localhost${place}`, {
          method: "POST",
          body: JSON.stringify({ model: "ranker", ...body }),
        }),
      );
    const ranked = await ask("/v1/rerank", { query: QUERY, documents: DOCUMENTS });
    expect(await ranked.json()).toMatchObject({
      results: (await engine.rerank({ query: QUERY, documents: DOCUMENTS })).results,
    });
    expect((await ask("/v1/embeddings", { input: "cat" })).status).toBe(400);
    await handler.dispose();
  });

  it("gives the logit itself where the model asks for it", async () => {
    const activation_fn = "torch.nn.modules.linear.Identity";
    const { engine, model, reference } = await load({ labels: 1 }, "q0f32", {
      sentence_transformers: { activation_fn },
    });
    await using _ = engine;
    expectClose(
      await scores(engine),
      DOCUMENTS.map((text) => reference.logits(bertPair(idsOf(text)), model.head)[0] ?? Number.NaN),
    );
  });

  it("is compiled to q8_0 by default, which hardly moves its scores", async () => {
    const { engine, model, reference } = await load({ labels: 1 }, "default");
    await using _ = engine;
    expect(engine.manifest.quantization).toBe("q8_0");
    const exact = DOCUMENTS.map((text) =>
      sigmoid(reference.logits(bertPair(idsOf(text)), model.head)[0] ?? Number.NaN),
    );
    expectClose(await scores(engine), exact, 0.03);
  });
});

it("two labels are scored by the softmax of the second", async () => {
  const { engine, model, reference } = await load({ labels: 2 });
  await using _ = engine;
  const expected = DOCUMENTS.map((text) => {
    const [no = Number.NaN, yes = Number.NaN] = reference.logits(bertPair(idsOf(text)), model.head);
    return Math.exp(yes) / (Math.exp(no) + Math.exp(yes));
  });
  expectClose(await scores(engine), expected);
});

it("an XLMRobertaForSequenceClassification has its own head, pairs and positions", async () => {
  const piece = (name: string) => [name, id(name)];
  const tokenizer = {
    added_tokens: ["[CLS]", "[SEP]"].map((content) => ({ id: id(content), content, special: true })),
    normalizer: { type: "BertNormalizer", lowercase: true },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: { type: "RobertaProcessing", sep: piece("[SEP]"), cls: piece("[CLS]") },
    decoder: { type: "WordPiece", prefix: "##" },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(PIECES.map((name, at) => [name, at])),
    },
  };
  const { engine, model, reference } = await load(
    { family: "roberta", labels: 1 },
    "q0f32",
    {},
    {
      "tokenizer.json": tokenizer,
    },
  );
  await using _ = engine;
  expect(engine.manifest.ranking).toEqual({ labels: 1, tokenTypes: 1, score: "sigmoid" });
  expectClose(
    await scores(engine),
    DOCUMENTS.map((text) => sigmoid(reference.logits(robertaPair(idsOf(text)), model.head)[0] ?? Number.NaN)),
  );
});
