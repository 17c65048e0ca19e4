/** OpenAI's embeddings over a native engine whose vectors count tokens. */
import { describe, expect, it } from "vitest";
import type { Manifest } from "../../../lib/package/manifest.js";
import { HIDDEN } from "../../../lib/testing/byte-model.js";
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

/** A tokenizer that puts tokens around every text, as those of Qwen3-Embedding and BERT do. */
const surrounding = byteTokenizer([], {
  post_processor: {
    type: "TemplateProcessing",
    single: [
      { SpecialToken: { id: "<|start|>", type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
      { SpecialToken: { id: "<|end|>", type_id: 0 } },
    ],
    pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
    special_tokens: {
      "<|start|>": { id: "<|start|>", ids: [START], tokens: ["<|start|>"] },
      "<|end|>": { id: "<|end|>", ids: [END], tokens: ["<|end|>"] },
    },
  },
});

function embeddingManifest(embedding: Manifest["embedding"]): Manifest {
  return fakeManifest({ embedding });
}

const length = (vector: readonly number[]) => Math.hypot(...vector);

describe("the input", () => {
  it.each([
    ["one text", "ab", [bytes("ab")]],
    ["texts", ["ab", "ç"], [bytes("ab"), bytes("ç")]],
    ["token ids", [1, 2, 3], [[1, 2, 3]]],
    ["lists of token ids", [[1], [259, 0]], [[1], [259, 0]]],
  ])("may be %s", async (_, input, texts) => {
    const { engine, native } = await fakeEngine(script);
    const answer = await engine.embeddings.create({ input: input as string });
    expect(native.embedded).toMatchObject([{ texts, pooling: "last" }]);
    const tokens = texts.flat().length;
    expect(answer).toMatchObject({
      object: "list",
      model: "fake",
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    });
    expect(answer.data.map(({ index, object }) => [index, object])).toEqual(
      texts.map((_text, index) => [index, "embedding"]),
    );
    expect(engine.stats()).toMatchObject({
      embeddedTexts: texts.length,
      embeddedTokens: tokens,
      requests: 0,
    });
    expect(engine.metrics()).toContain(`node_mlc_embedded_tokens_total{model="fake"} ${tokens}\n`);
  });

  it.each([
    [undefined, "input", /received undefined/],
    [{}, "input", /a text, a list of texts/],
    [[], "input", /received \[\]/],
    ["", "input", /not empty/],
    [["a", ""], "input[1]", /not empty/],
    [["a", 1], "input[1]", /a text for input\[1\] but received 1/],
    [[[1], "a"], "input[1]", /list of token ids/],
    [[[1], []], "input[1]", /at least one token id/],
    [[1, 260], "input[1]", /a token id below 260 for input\[1\] but received 260/],
    [[[1], [5, -1]], "input[1][1]", /received -1/],
    [[1, 2.5], "input[1]", /received 2.5/],
    [[1, "2"], "input[1]", /received "2"/],
    [[true], "input[0]", /received true/],
    [Array.from({ length: 2049 }, () => "a"), "the length of input", /at most 2048 .* received 2049/],
  ])("%j is refused with its place", async (input, name, message) => {
    const { engine, native } = await fakeEngine(script);
    await expect(engine.embeddings.create({ input: input as string })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message,
      details: { name },
    });
    expect(native.embedded).toEqual([]);
    expect(engine.stats().requests).toBe(0);
  });

  it("2048 texts are one call, in order, and the event loop turns meanwhile", async () => {
    const { engine, native } = await fakeEngine(script);
    const input = Array.from({ length: 2048 }, (_, i) => `text ${i} `.repeat(20));
    const { data } = await engine.embeddings.create({ input });
    expect(native.embedded[0]?.texts[2047]).toEqual(bytes(input[2047] ?? ""));
    expect(data).toHaveLength(2048);
    expect(data[7]?.embedding).not.toEqual(data[8]?.embedding);
  });

  it.each([
    ["none", undefined],
    ["start", [START, ...bytes("y".repeat(254)), END]],
    ["end", [START, ...bytes("x".repeat(254)), END]],
  ] as const)("what is too long, with truncate %s", async (truncate, tokens) => {
    const { engine, native } = await fakeEngine(script, { tokenizer: surrounding });
    const input = ["short", "x".repeat(300) + "y".repeat(300)];
    const made = engine.embeddings.create({ input, truncate });
    if (tokens === undefined) {
      const details = { name: "input[1]", tokens: 602, most: 256 };
      await expect(made).rejects.toMatchObject({ code: "ERR_CONTEXT_OVERFLOW", details });
      return;
    }
    expect((await made).usage.prompt_tokens).toBe(7 + 256);
    expect(native.embedded[0]?.texts[1]).toEqual(tokens);
  });

  it("token ids are cut as they are, and the package's length counts", async () => {
    const manifest = embeddingManifest({ pooling: "mean", maxTokens: 3 });
    const { engine, native } = await fakeEngine(script, { manifest, tokenizer: surrounding });
    await engine.embeddings.create({ input: [1, 2, 3, 4], truncate: "end" });
    await engine.embeddings.create({ input: [1, 2, 3, 4], truncate: "start" });
    await engine.embeddings.create({ input: "ab", truncate: "end" });
    expect(native.embedded.map(({ texts }) => texts[0])).toEqual([
      [1, 2, 3],
      [2, 3, 4],
      [START, ...bytes("a"), END],
    ]);
  });
});

describe("the vectors", () => {
  it("have the length 1 unless asked otherwise", async () => {
    const { engine } = await fakeEngine(script);
    const [unit] = (await engine.embeddings.create({ input: "aab" })).data;
    const [raw] = (await engine.embeddings.create({ input: "aab", normalize: false })).data;
    expect(unit?.embedding).toHaveLength(HIDDEN);
    expect(length(unit?.embedding ?? [])).toBeCloseTo(1, 6);
    expect(raw?.embedding[97 % HIDDEN]).toBe(2);
    expect(raw?.embedding[98 % HIDDEN]).toBe(1);
    expect(unit?.embedding[97 % HIDDEN]).toBeCloseTo(2 / Math.sqrt(5), 6);
  });

  it("may be cut, and have the length 1 then", async () => {
    const { engine } = await fakeEngine(script);
    const cut = { input: [0, 1, 1, 40], dimensions: 2 };
    const [vector] = (await engine.embeddings.create(cut)).data;
    expect(vector?.embedding.map((x) => x ** 2)).toEqual([expect.closeTo(0.2, 6), expect.closeTo(0.8, 6)]);
    const [raw] = (await engine.embeddings.create({ ...cut, normalize: false })).data;
    expect(raw?.embedding).toEqual([1, 2]);
    const [zero] = (await engine.embeddings.create({ ...cut, input: [40], dimensions: 2 })).data;
    expect(zero?.embedding).toEqual([0, 0]);
    for (const dimensions of [0, HIDDEN + 1, 1.5])
      await expect(engine.embeddings.create({ input: "a", dimensions })).rejects.toMatchObject({
        code: "ERR_INVALID_ARGUMENT",
        details: { name: "dimensions" },
      });
  });

  it("come in base64 as the bytes of float32, little endian", async () => {
    const { engine } = await fakeEngine(script);
    const body = { input: ["ab", "cd"] };
    const plain = await engine.embeddings.create(body);
    const packed = await engine.embeddings.create({ ...body, encoding_format: "base64" });
    for (const [index, { embedding }] of packed.data.entries()) {
      const buffer = Buffer.from(embedding, "base64");
      const read = Array.from({ length: buffer.length / 4 }, (_, i) => buffer.readFloatLE(i * 4));
      expect(read).toEqual(plain.data[index]?.embedding);
    }
  });

  it("are pooled as the package says, or as asked", async () => {
    const manifest = embeddingManifest({ pooling: "cls" });
    const { engine, native } = await fakeEngine(script, { manifest });
    await engine.embeddings.create({ input: "a" });
    await engine.embeddings.create({ input: "a", pooling: "mean" });
    expect(native.embedded.map(({ pooling }) => pooling)).toEqual(["cls", "mean"]);
  });
});

describe("prompts", () => {
  const prompts = { query: "Q: ", document: "" };

  it("of the package go before each text by name, or by default", async () => {
    const manifest = embeddingManifest({ pooling: "last", prompts, defaultPrompt: "query" });
    const { engine, native } = await fakeEngine(script, { manifest });
    await engine.embeddings.create({ input: ["a", "b"] });
    await engine.embeddings.create({ input: "a", prompt_name: "document" });
    await engine.embeddings.create({ input: "a", prompt: "my " });
    expect(native.embedded.map(({ texts }) => texts)).toEqual([
      [bytes("Q: a"), bytes("Q: b")],
      [bytes("a")],
      [bytes("my a")],
    ]);
    await expect(engine.embeddings.create({ input: [[1]] })).rejects.toThrow(/a prompt to put before it/);
    for (const body of [
      { prompt_name: "toString" },
      { prompt_name: { toString: null } as unknown as string },
      { prompt: "a", prompt_name: "query" },
    ])
      await expect(engine.embeddings.create({ input: "a", ...body })).rejects.toThrow(/prompt_name/);
  });

  it("of a package without any are refused", async () => {
    const { engine } = await fakeEngine(script);
    await expect(engine.embeddings.create({ input: "a", prompt_name: "query" })).rejects.toThrow(
      /the package has no prompts/,
    );
  });

  it("a default that is no prompt makes the manifest invalid", () => {
    expect(() => embeddingManifest({ pooling: "last", prompts, defaultPrompt: "other" })).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_PACKAGE" }),
    );
  });
});

describe("a call", () => {
  it.each([
    [{ stream: true }, "ERR_UNSUPPORTED_FIELD", /stream/],
    [{ model: 5 }, "ERR_INVALID_ARGUMENT", /model/],
    [{ encoding_format: "int8" }, "ERR_INVALID_ARGUMENT", /"float" or "base64"/],
    [{ pooling: "max" }, "ERR_INVALID_ARGUMENT", /"mean", "cls" or "last"/],
    [{ normalize: 1 }, "ERR_INVALID_ARGUMENT", /normalize/],
    [{ truncate: true }, "ERR_INVALID_ARGUMENT", /"none", "start" or "end"/],
    [{ timeout_ms: 0 }, "ERR_INVALID_ARGUMENT", /timeoutMs/],
    [{ prompt: 5 }, "ERR_INVALID_ARGUMENT", /prompt/],
  ])("with %j is refused", async (more, code, message) => {
    const { engine } = await fakeEngine(script);
    const body = { input: "a", ...more } as { input: string };
    await expect(engine.embeddings.create(body)).rejects.toMatchObject({ code, message });
  });

  it("takes null for what is absent, and OpenAI's fields without effect", async () => {
    const { engine } = await fakeEngine(script);
    const { data } = await engine.embeddings.create({
      input: "a",
      model: "text-embedding-3-small",
      user: "me",
      dimensions: null,
      pooling: null,
      timeout_ms: null,
      encoding_format: null,
    });
    expect(data).toHaveLength(1);
  });

  it("needs a package that has the function", async () => {
    const base = fakeManifest();
    const libraries = base.libraries.map((library) => ({
      ...library,
      functions: library.functions.filter(({ name }) => name !== "encode"),
    }));
    const { engine } = await fakeEngine(script, { manifest: { ...base, libraries } });
    await expect(engine.embeddings.create({ input: "a" })).rejects.toMatchObject({
      code: "ERR_UNSUPPORTED_FIELD",
      message: /compile the model again/,
    });
  });

  it("needs a tokenizer for texts, not for token ids", async () => {
    const { engine } = await fakeEngine(script, { tokenizer: undefined });
    await expect(engine.embeddings.create({ input: "a" })).rejects.toMatchObject({ message: /tokenizer/ });
    expect((await engine.embeddings.create({ input: [1] })).data).toHaveLength(1);
  });

  it("ends with its signal, before and while it runs", async () => {
    const { engine, native } = await fakeEngine(script);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(engine.embeddings.create({ input: "a" }, { signal })).rejects.toMatchObject({
      code: "ERR_ABORTED",
      cause: { message: "enough" },
    });
    expect(native.embedded).toEqual([]);
    native.embedMs = 200;
    const controller = new AbortController();
    const made = engine.embeddings.create({ input: "a" }, { signal: controller.signal });
    await expect.poll(() => native.embedded).toHaveLength(1);
    controller.abort();
    await expect(made).rejects.toMatchObject({ code: "ERR_ABORTED" });
    expect(native.aborted).toEqual([native.embedded[0]?.id]);
    expect(engine.stats()).toMatchObject({ requests: 0, embeddedTexts: 0 });
  });

  it("ends at its time limit", async () => {
    const { engine, native } = await fakeEngine(script);
    native.embedMs = 60;
    await expect(engine.embeddings.create({ input: "a", timeout_ms: 5 })).rejects.toMatchObject({
      code: "ERR_TIMEOUT",
      message: /within 5 ms/,
    });
    expect(native.aborted).toHaveLength(1);
  });

  it("ends when the engine is disposed of, and none begins then", async () => {
    const { engine, native } = await fakeEngine(script);
    native.embedMs = 200;
    const made = engine.embeddings.create({ input: "a" });
    await expect.poll(() => native.embedded).toHaveLength(1);
    void engine.dispose();
    await expect(made).rejects.toMatchObject({ code: "ERR_DISPOSED" });
    await expect(engine.embeddings.create({ input: "a" })).rejects.toMatchObject({ code: "ERR_DISPOSED" });
  });

  it("ends though the engine is disposed of before its signal fires", async () => {
    const { engine, native } = await fakeEngine(script);
    native.embedMs = 200;
    // As the native engine does: an error in a listener would end the process.
    native.abort = () => {
      throw new Error("disposed");
    };
    const controller = new AbortController();
    const made = engine.embeddings.create({ input: "a" }, { signal: controller.signal });
    await expect.poll(() => native.embedded).toHaveLength(1);
    void engine.dispose();
    controller.abort();
    await expect(made).rejects.toMatchObject({ code: "ERR_DISPOSED" });
  });

  it("does not begin where its signal fires while texts are read", async () => {
    const { engine, native } = await fakeEngine(script);
    const controller = new AbortController();
    const made = engine.embeddings.create({ input: "a" }, { signal: controller.signal });
    controller.abort();
    await expect(made).rejects.toMatchObject({ code: "ERR_ABORTED" });
    expect(native.embedded).toEqual([]);
  });

  it("is refused where the batch and its queue are full", async () => {
    const { engine, native } = await fakeEngine(script, { maxQueue: 3 });
    native.embedMs = 20;
    const batch = Array.from({ length: 4 }, () => engine.embeddings.create({ input: "a" }));
    await expect(engine.embeddings.create({ input: "a" })).rejects.toMatchObject({
      code: "ERR_ENGINE_OVERLOADED",
    });
    expect(engine.stats()).toMatchObject({ requests: 4, refused: 1 });
    await Promise.all(batch);
    await engine.embeddings.create({ input: "a" });
  });
});
