/** A BERT compiled from a GGUF file and from a folder with the same weights: the same vectors, those of the reference. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compile } from "../../lib/compiler/index.js";
import { Engine } from "../../lib/index.js";
import { writeGguf } from "../support/gguf-writer.js";
import { ReferenceEncoder } from "../support/reference/encoder.js";
import { tinyBert, writeTinyBert } from "../support/tiny-bert.js";
import { tinyBertGguf } from "../support/tiny-bert-gguf.js";

const root = mkdtempSync(path.join(tmpdir(), "gguf-bert-"));
const TEXTS = ["The cat sleeps on a sofa.", "Rain falls, unhappy!", "rates rise"];

describe("a BERT from a GGUF file", () => {
  const model = tinyBert({ seed: 11 });
  const engines: Engine[] = [];

  beforeAll(async () => {
    const file = path.join(root, "tiny.gguf");
    writeFileSync(file, writeGguf(tinyBertGguf(model)));
    const folder = writeTinyBert(path.join(root, "folder"), model);
    for (const [name, source] of Object.entries({ file, folder })) {
      const output = path.join(root, `${name}-package`);
      await compile(source, { output, quantization: "q0f32" });
      engines.push(await Engine.load(output, { threads: 2 }));
    }
  });
  afterAll(async () => {
    await Promise.all(engines.map((engine) => engine.dispose()));
    rmSync(root, { recursive: true });
  });

  it("has the tokens and, to the last bit, the vectors of the folder", async () => {
    const [file, folder] = engines;
    for (const text of TEXTS) expect(file?.tokenize(text)).toEqual(folder?.tokenize(text));
    expect(file?.tokenize(TEXTS[0] ?? "")).toHaveLength(9);
    const vectors = await Promise.all(
      engines.map(async (engine) => (await engine.embeddings.create({ input: TEXTS })).data),
    );
    expect(vectors[0]).toEqual(vectors[1]);
  });

  it("has the reference's vectors", async () => {
    const [file] = engines;
    if (file === undefined) throw new Error("no engine");
    const reference = new ReferenceEncoder(model.shape, model.weights);
    const { data } = await file.embeddings.create({ input: TEXTS, normalize: false });
    for (const [i, text] of TEXTS.entries()) {
      const rows = reference.rows(file.tokenize(text).map((id) => ({ id, type: 0 })));
      data[i]?.embedding.forEach((value, at) => {
        const mean = rows.reduce((sum, row) => sum + (row[at] ?? Number.NaN), 0) / rows.length;
        expect(Math.abs(value - mean)).toBeLessThan(2e-5);
      });
    }
  });
});
