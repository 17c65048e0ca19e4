// The default model, from its GGUF file to text: golden ids with float weights, quality with the file's own weights,
// and what the memory plan promised against what the process used.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Engine } from "../../lib/index.js";
import { nodeMlc } from "../support/command-line.js";
import { compiledModel } from "../support/compiled-model.js";
import { sharedData } from "../support/shared-data.js";

interface Golden {
  ppl_wikitext2_first4096_blocks512: number;
  cases: {
    kind: "chat" | "raw";
    prompt: string;
    prompt_ids: number[];
    greedy_new_ids: number[];
    text: string;
  }[];
}

const gguf = process.env.NODE_MLC_DEFAULT_MODEL;
const goldenFile = sharedData("smollm2-135m-instruct", "golden.json");
const corpus = sharedData("corpus", "wikitext-2", "test.txt");
const present = gguf !== undefined && goldenFile !== undefined && corpus !== undefined;
if (gguf === undefined)
  console.warn("NODE_MLC_DEFAULT_MODEL is not set (npm test sets it): the default model's tests are skipped");

const golden = (): Golden => JSON.parse(readFileSync(goldenFile ?? "", "utf8"));
const compileOnce = (quantization: "keep" | "q0f32", activations: "int8" | "float32" = "int8") =>
  compiledModel(gguf ?? "", { quantization, activations });

/** Prompt ids of the golden cases, and a longer prompt that takes several pages. */
const prompts = (): Int32Array[] => [
  ...golden().cases.map(({ prompt_ids }) => Int32Array.from(prompt_ids)),
  Int32Array.from({ length: 300 }, (_, i) => 300 + ((i * 7919) % 4000)),
];

async function greedy(engine: Engine, prompt: Int32Array): Promise<number[]> {
  const { tokens } = await engine.generate(prompt, { maxTokens: 24, temperature: 0, ignoreEos: true }).result;
  return [...tokens];
}

async function perplexity(model: string): Promise<number> {
  const flags = ["--file", corpus ?? "", "--window", "512", "--max-tokens", "4096", "--json"];
  const { stdout } = await nodeMlc("perplexity", model, ...flags);
  const result = JSON.parse(stdout) as { perplexity: number; tokens: number };
  expect(result.tokens).toBe(4088);
  return result.perplexity;
}

describe.skipIf(!present)("SmolLM2-135M-Instruct in float32", () => {
  it.each(["q0f32", "keep"] as const)("gives the golden greedy ids and texts (%s)", async (scheme) => {
    await using engine = await Engine.load(await compileOnce(scheme, "float32"));
    for (const { kind, prompt, prompt_ids, greedy_new_ids } of golden().cases) {
      const ids =
        kind === "chat"
          ? engine.tokenize(engine.applyChatTemplate([{ role: "user", content: prompt }]), { special: true })
          : engine.tokenize(prompt);
      expect([...ids], `prompt ids of "${prompt}"`).toEqual(prompt_ids);
      const result = await engine.generate(Int32Array.from(ids), {
        maxTokens: greedy_new_ids.length,
        temperature: 0,
      }).result;
      expect([...result.tokens], `greedy ids of "${prompt}"`).toEqual(greedy_new_ids);
    }
  });

  it("has the golden perplexity within 0.1 %", async () => {
    const expected = golden().ppl_wikitext2_first4096_blocks512;
    expect(Math.abs((await perplexity(await compileOnce("q0f32"))) / expected - 1)).toBeLessThan(0.001);
  });
});

describe.skipIf(!present)("SmolLM2-135M-Instruct, keep", () => {
  it("loses less than 1 % of perplexity to 8-bit activations", async () => {
    const expected = golden().ppl_wikitext2_first4096_blocks512;
    const exact = await perplexity(await compileOnce("keep", "float32"));
    expect(Math.abs(exact / expected - 1)).toBeLessThan(0.001);
    expect(Math.abs((await perplexity(await compileOnce("keep"))) / exact - 1)).toBeLessThan(0.01);
  });

  it("gives the same tokens for any number of threads, alone or in a batch", async () => {
    const model = await compileOnce("keep");
    const alone: number[][] = [];
    {
      await using engine = await Engine.load(model, { threads: 1 });
      for (const prompt of prompts()) alone.push(await greedy(engine, prompt));
    }
    await using engine = await Engine.load(model, { threads: 2 });
    const together = await Promise.all(prompts().map((prompt) => greedy(engine, prompt)));
    expect(together).toEqual(alone);
  });

  it("answers through the chat API, streaming", async () => {
    await using engine = await Engine.load(await compileOnce("keep"));
    const stream = await engine.chat.completions.create({
      messages: [{ role: "user", content: "What is the capital of Japan?" }],
      temperature: 0,
      stream: true,
    });
    let text = "";
    let finish: string | null = null;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      finish = chunk.choices[0]?.finish_reason ?? finish;
    }
    expect(text).toContain("Tokyo");
    expect(finish).toBe("stop");
  });

  it("grows in memory as the plan says, within 10 %", async () => {
    const model = await compileOnce("keep");
    const { stdout } = await nodeMlc("plan", model, "--batch", "1", "--context", "2048", "--json");
    const plan = JSON.parse(stdout) as { total: number };
    const child = await measureGrowth(model);
    expect(child.growth / plan.total).toBeGreaterThan(0.9);
    expect(child.growth / plan.total).toBeLessThan(1.1);
  });
});

/** Growth of resident memory of a process that loads the model and fills a context of 2,048 tokens. */
async function measureGrowth(model: string): Promise<{ growth: number }> {
  const { execFileSync } = await import("node:child_process");
  const program = `
    import { readFileSync } from "node:fs";
    import { Engine } from "./dist/esm/index.js";
    const rss = () => { globalThis.gc(); const m = readFileSync("/proc/self/smaps_rollup", "utf8").match(/^Rss:\\s+(\\d+)/m); return Number(m[1]) * 1024; };
    const before = rss();
    const engine = await Engine.load(${JSON.stringify(model)}, { contextLength: 2048, maxBatch: 1 });
    const prompt = Int32Array.from({ length: 2016 }, (_, i) => 300 + (i * 7919) % 4000);
    await engine.generate(prompt, { maxTokens: 31, temperature: 0, ignoreEos: true }).result;
    console.log(JSON.stringify({ growth: rss() - before }));
    process.exit(0);`;
  return JSON.parse(
    execFileSync(process.execPath, ["--expose-gc", "--input-type=module", "-e", program], {
      encoding: "utf8",
    }),
  );
}
