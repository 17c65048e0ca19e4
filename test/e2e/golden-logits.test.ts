// The supported architectures against logits of Hugging Face transformers, through the command line, by every way a
// row can reach the model: whole prefill, odd chunks, token by token, and inside a batch.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Engine } from "../../lib/index.js";
import { nodeMlc } from "../support/command-line.js";
import { compiledModel } from "../support/compiled-model.js";
import { readSafetensor } from "../support/safetensors.js";
import { sharedData } from "../support/shared-data.js";

const ARCHITECTURES = ["llama", "llama3-rope", "mistral", "qwen2", "qwen3"];
const WAYS: Record<string, string[]> = {
  "whole prefill": [],
  "chunks of 7": ["--chunk", "7"],
  "chunks of 1": ["--chunk", "1"],
  "decode of the last 39": ["--decode", "39"],
  "chunks of 5, then decode": ["--chunk", "5", "--decode", "11"],
  "one batch": ["--together"],
  "one batch in chunks of 3, then decode": ["--together", "--chunk", "3", "--decode", "9"],
};
/** Largest difference allowed, in standard deviations of the golden logits. */
const TOLERANCE = 2e-4;

interface Golden {
  prompt: number[];
  greedy: number[];
  logit_std: number;
}

const scratch = mkdtempSync(path.join(os.tmpdir(), "node-mlc-logits-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const goldens = sharedData("goldens");

describe.skipIf(goldens === undefined).each(ARCHITECTURES)("%s (q0f32)", (architecture) => {
  const folder = path.join(goldens ?? "", architecture);
  const load = () => JSON.parse(readFileSync(path.join(folder, "golden.json"), "utf8")) as Golden;
  const compileOnce = () => compiledModel(folder, { quantization: "q0f32", prefillChunk: 64 });

  it.each(Object.entries(WAYS))("logits by %s", async (_way, flags) => {
    const file = path.join(folder, "golden.safetensors");
    const ids = readSafetensor(file, "input_ids");
    const expected = readSafetensor(file, "logits");
    const [rows = 0, length = 0] = ids.shape;
    const tokens = path.join(scratch, `${architecture}.json`);
    const output = path.join(scratch, `${architecture}.safetensors`);
    const lists = Array.from({ length: rows }, (_, row) => [
      ...ids.data.subarray(row * length, (row + 1) * length),
    ]);
    writeFileSync(tokens, JSON.stringify(lists));

    const result = await nodeMlc("logits", await compileOnce(), "--tokens", tokens, "-o", output, ...flags);
    expect(result.stderr + result.stdout, "exit status").toSatisfy(() => result.status === 0);
    const received = readSafetensor(output, "logits");

    expect(received.shape).toEqual(expected.shape);
    let worst = 0;
    for (let index = 0; index < expected.data.length; index++)
      worst = Math.max(worst, Math.abs((received.data[index] ?? Number.NaN) - (expected.data[index] ?? 0)));
    expect(worst / load().logit_std).toBeLessThan(TOLERANCE);
  });

  it("greedy ids", async () => {
    const golden = load();
    await using engine = await Engine.load(await compileOnce());
    const result = await engine.generate(Int32Array.from(golden.prompt), {
      maxTokens: golden.greedy.length,
      temperature: 0,
      ignoreEos: true,
    }).result;
    expect([...result.tokens]).toEqual(golden.greedy);
  });
});
