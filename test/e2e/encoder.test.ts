/** A BERT checkpoint with a vocab.txt: compiled by the command line, loaded natively, embedded, compared with the reference's rows. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nativeConfig, planLoad, resolveEngineConfig } from "../../lib/engine/engine-config.js";
import { openText } from "../../lib/engine/model-text.js";
import { Engine } from "../../lib/index.js";
import { ModelPackage } from "../../lib/package/model-package.js";
import { createHandler } from "../../lib/server/index.js";
import { nodeMlc } from "../support/command-line.js";
import { fakeRequest, RunningEngine } from "../support/fake-model.js";
import { readSafetensor } from "../support/safetensors.js";
import { sharedData } from "../support/shared-data.js";

const golden = sharedData("goldens", "bert");
const root = mkdtempSync(path.join(tmpdir(), "encoder-"));
afterAll(() => rmSync(root, { recursive: true }));

/** Piece `id` of the vocabulary: a word whose spelling says its id. */
const word = (id: number) => `w${id}`;
const CONTROL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];

describe.skipIf(golden === undefined)("an encoder's package", () => {
  const folder = path.join(root, "tiny-bert");
  const output = path.join(root, "package");
  let modelPackage: ModelPackage;
  let running: RunningEngine;
  /** Texts of the reference without their padding, and its rows. */
  let texts: Int32Array[];
  let rows: Float32Array[][];

  beforeAll(async () => {
    mkdirSync(folder);
    for (const name of ["config.json", "model.safetensors"])
      copyFileSync(path.join(golden ?? "", name), path.join(folder, name));
    const pieces = Array.from({ length: 320 }, (_, id) => CONTROL[id] ?? word(id));
    writeFileSync(path.join(folder, "vocab.txt"), `${pieces.join("\n")}\n`);
    writeFileSync(path.join(folder, "tokenizer_config.json"), JSON.stringify({ do_lower_case: true }));
    const compiled = await nodeMlc("compile", folder, "-o", output, "--quantization", "q0f32");
    expect(compiled).toMatchObject({ status: 0 });
    modelPackage = await ModelPackage.open(output);
    const config = resolveEngineConfig({ threads: 2 });
    const [library] = modelPackage.manifest.libraries;
    if (library === undefined) throw new Error("expected a library");
    const plan = planLoad(modelPackage, config);
    running = await RunningEngine.load(nativeConfig(modelPackage, library, plan, config));

    const file = path.join(golden ?? "", "golden.safetensors");
    const ids = readSafetensor(file, "input_ids");
    const mask = readSafetensor(file, "attention_mask").data;
    const hidden = readSafetensor(file, "last_hidden_state");
    const width = hidden.shape[2] ?? 0;
    const [count = 0, length = 0] = ids.shape;
    const kept = Array.from({ length: count }, (_, r) =>
      Array.from({ length }, (_, i) => r * length + i).filter((at) => mask[at] === 1),
    );
    texts = kept.map((places) => Int32Array.from(places, (at) => ids.data[at] ?? -1));
    rows = kept.map((places) =>
      places.map((at) => (hidden.data as Float32Array).subarray(at * width, (at + 1) * width)),
    );
  }, 120_000);
  afterAll(() => running?.engine.dispose());

  const mean = (vectors: readonly Float32Array[]) =>
    Array.from(
      { length: vectors[0]?.length ?? 0 },
      (_, i) => vectors.reduce((sum, vector) => sum + (vector[i] ?? Number.NaN), 0) / vectors.length,
    );

  it.each(["mean", "cls", "last"] as const)("gives the reference's rows, pooled: %s", async (pooling) => {
    const pooled = rows.map((own) => {
      if (pooling === "mean") return mean(own);
      return [...(own.at(pooling === "cls" ? 0 : -1) ?? [])];
    });
    const together = await running.engine.embed(1, texts, pooling);
    expect(together).toHaveLength(pooled.flat().length);
    pooled.flat().forEach((value, i) => {
      expect(Math.abs((together[i] ?? Number.NaN) - value)).toBeLessThan(2e-4);
    });
    const alone = await Promise.all(texts.map((text, i) => running.engine.embed(10 + i, [text], pooling)));
    expect(together).toEqual(Float32Array.from(alone.flatMap((vector) => [...vector])));
  });

  it("embeds texts of any length up to the context, many at a time", async () => {
    const lengths = [256, 1, 255, 17, 128, 129, 200, 3];
    const many = lengths.map((length, n) => Int32Array.from({ length }, (_, i) => (i * 37 + n * 11) % 320));
    const together = await running.engine.embed(1, many, "mean");
    const alone = [];
    for (const text of many) alone.push(...(await running.engine.embed(1, [text], "mean")));
    expect([...together]).toEqual(alone);
    expect(together.every(Number.isFinite)).toBe(true);
    expect(() => running.engine.embed(2, [new Int32Array(257)], "mean")).toThrow(
      expect.objectContaining({ code: "ERR_CONTEXT_OVERFLOW" }),
    );
  });

  it("serves embeddings and ranking, and refuses to chat", async () => {
    await using engine = await Engine.load(output, { threads: 2 });
    const input = ["w17 w5", "w300", "w17 w5 w6"];
    const { data, usage } = await engine.embeddings.create({ input });
    expect(usage.prompt_tokens).toBe(4 + 3 + 5);
    const { tokenizer } = await openText(modelPackage);
    const rows = input.map((text) => Int32Array.from(tokenizer?.encode(text) ?? []));
    const width = data[0]?.embedding.length ?? 0;
    const plain = await running.engine.embed(3, rows, "mean");
    for (const [index, { embedding }] of data.entries()) {
      const own = [...plain.subarray(index * width, (index + 1) * width)];
      const length = Math.hypot(...own);
      embedding.forEach((value, at) => {
        expect(value).toBeCloseTo((own[at] ?? Number.NaN) / length, 5);
      });
    }
    const ranked = await engine.rerank({ query: "w17 w5", documents: ["w300", "w17 w5"] });
    expect(ranked.results[0]).toMatchObject({ index: 1 });
    const handler = await createHandler({ models: [{ name: "bert", engine }] });
    const ask = (path: string, body: object) =>
      handler.fetch(new Request(`http://localhost${path}`, { method: "POST", body: JSON.stringify(body) }));
    expect((await ask("/v1/embeddings", { model: "bert", input })).status).toBe(200);
    const refused = await ask("/v1/chat/completions", {
      model: "bert",
      messages: [{ role: "user", content: "w5" }],
      stream: true,
    });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain("embeds only");
    await handler.dispose();
  });

  it("reads texts as BERT does", async () => {
    const { tokenizer } = await openText(modelPackage);
    expect(tokenizer?.encode("W17 w5, w300")).toEqual([2, 17, 5, 1, 300, 3]);
  });

  it("refuses to generate, natively and in the API", async () => {
    const refusal = expect.objectContaining({
      code: "ERR_UNSUPPORTED_FIELD",
      message: expect.stringMatching(/embeds only/),
    });
    expect(() => running.engine.submit(fakeRequest(1, [1]))).toThrow(refusal);
    expect(() => running.engine.evaluate([Int32Array.of(1)])).toThrow(refusal);
    expect(() => running.engine.score(Int32Array.of(1, 2))).toThrow(refusal);
    await using engine = await Engine.load(output, { threads: 2 });
    const messages = [{ role: "user", content: "w5" }] as const;
    await expect(engine.chat.completions.create({ messages: [...messages] })).rejects.toThrow(refusal);
    await expect(engine.completions.create({ prompt: "w5" })).rejects.toThrow(refusal);
    expect(() => engine.session()).toThrow(refusal);
    expect(() => engine.logits([[1]])).toThrow(refusal);
  });

  it("says what it is", async () => {
    expect((await nodeMlc("inspect", output)).stdout).toContain("embeddings only");
    const said = JSON.parse((await nodeMlc("inspect", output, "--json")).stdout) as Record<string, unknown>;
    expect(said).toMatchObject({ kind: "encoder", model: { architecture: "bert" } });
    expect(modelPackage.manifest.libraries[0]?.functions.map(({ name }) => name)).toEqual([
      "embed",
      "encode",
    ]);
  });

  it("a chunk that cannot hold the longest text is refused before anything is compiled", async () => {
    const { status, stderr } = await nodeMlc("compile", folder, "-o", `${output}-2`, "--prefill-chunk", "64");
    expect(status).toBe(2);
    expect(stderr).toMatch(/prefillChunk.*64/);
  });
});
