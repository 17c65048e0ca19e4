/** The public API on a real, tiny model: compile, load, generate; compared with recorded greedy ids and texts. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Engine, type GenerationResult } from "../../lib/index.js";
import { compiledModel } from "../support/compiled-model.js";
import { sharedData } from "../support/shared-data.js";

const folder = sharedData("stories260K");

interface Case {
  prompt: string;
  prompt_ids: number[];
  greedy_ids: number[];
  text: string;
}

const BOS = 1;

describe.skipIf(folder === undefined)("stories260K, q0f32", () => {
  let engine: Engine;
  let model: string;
  let cases: Case[];

  beforeAll(async () => {
    cases = JSON.parse(readFileSync(path.join(folder ?? "", "golden.json"), "utf8")).cases;
    model = await compiledModel(path.join(folder ?? "", "hf"), { quantization: "q0f32" });
    engine = await Engine.load(model, { threads: 2 });
  });
  afterAll(async () => {
    await engine?.dispose();
  });

  /** The recorded run stops before the bos token, ours reports the token it stops at. */
  const expectGolden = ({ prompt, prompt_ids, greedy_ids, text }: Case, result: GenerationResult) => {
    const tokens = result.finishReason === "stop" ? result.tokens.slice(0, -1) : result.tokens;
    expect([...prompt_ids, ...tokens]).toEqual(greedy_ids);
    expect(prompt + result.text).toBe(text);
    expect(result.usage.promptTokens).toBe(prompt_ids.length);
  };
  const optionsOf = ({ prompt_ids }: Case) => ({ maxTokens: 257 - prompt_ids.length, temperature: 0 });

  it("gives the golden ids and texts, one after the other", async () => {
    for (const golden of cases) {
      expect(engine.tokenize(golden.prompt)).toEqual(golden.prompt_ids);
      expectGolden(golden, await engine.generate(golden.prompt, optionsOf(golden)).result);
    }
  });

  it("goes on from where a thought was closed for it", async () => {
    const [{ prompt } = { prompt: "" }] = cases;
    const plain = { maxTokens: 40, temperature: 0 };
    const free = await engine.generate(prompt, plain).result;
    // The first sentence is the thought: what closes it is a token that the model says of its own.
    const at = free.tokens.findIndex((id) => engine.detokenize([id]).includes("."));
    expect(at).toBeGreaterThan(4);
    const end = free.tokens.slice(at, at + 1);
    const thought = { begin: [1, 1], end, begun: true };
    const counted = await engine.generate(prompt, { ...plain, thought }).result;
    expect(counted).toMatchObject({ tokens: free.tokens, usage: { reasoningTokens: at } });
    const held = { ...thought, close: free.tokens.slice(at - 1, at + 1), maxTokens: 3 };
    const { tokens, usage } = await engine.generate(prompt, { ...plain, thought: held }).result;
    expect(usage.reasoningTokens).toBe(3);
    expect(tokens.slice(0, 3 + held.close.length)).toEqual([...free.tokens.slice(0, 3), ...held.close]);
    // The model goes on from the forced tokens as from its own.
    const before = [...engine.tokenize(prompt), ...tokens.slice(0, -1)];
    const next = await engine.generate(before, { maxTokens: 1, temperature: 0 }).result;
    expect(next.tokens).toEqual(tokens.slice(-1));
  });

  it("gives them all at once, streamed, and by token ids", async () => {
    const results = await Promise.all(
      cases.map(async (golden) => {
        const generation = engine.generate(golden.prompt, optionsOf(golden));
        let streamed = "";
        for await (const chunk of generation) streamed += chunk.text;
        const result = await generation.result;
        expect(streamed).toBe(result.text);
        return result;
      }),
    );
    for (const [index, golden] of cases.entries()) {
      const result = results[index];
      if (result === undefined) throw new Error("no result");
      expectGolden(golden, result);
    }
    const [, golden] = cases;
    if (golden === undefined) throw new Error("no case");
    expectGolden(golden, await engine.generate(golden.prompt_ids, optionsOf(golden)).result);
  });

  it("gives them through OpenAI's completions, with usage and finish reasons", async () => {
    for (const golden of cases) {
      const { prompt, prompt_ids, greedy_ids, text } = golden;
      const completion = await engine.completions.create({
        prompt,
        max_tokens: 257 - prompt_ids.length,
        temperature: 0,
      });
      const stopped = greedy_ids.length < 257;
      expect(prompt + completion.choices[0]?.text).toBe(text);
      expect(completion.choices[0]?.finish_reason).toBe(stopped ? "stop" : "length");
      expect(completion.usage).toMatchObject({
        prompt_tokens: prompt_ids.length,
        completion_tokens: greedy_ids.length - prompt_ids.length + (stopped ? 1 : 0),
        total_tokens: greedy_ids.length + (stopped ? 1 : 0),
        prompt_tokens_details: { cached_tokens: expect.any(Number) },
      });
    }
  });

  it("scores tokens as its own logits do, and greedy ids are their maxima", async () => {
    const ids = cases[1]?.greedy_ids.slice(0, 40) ?? [];
    const vocabulary = engine.manifest.model.vocabSize;
    const logits = await engine.logits([ids]);
    const scores = await engine.score(ids);
    expect(scores).toHaveLength(ids.length - 1);
    for (let at = 4; at < ids.length - 1; at++) {
      const row = logits.subarray(at * vocabulary, (at + 1) * vocabulary);
      const next = ids[at + 1] ?? -1;
      expect(row.indexOf(Math.max(...row))).toBe(next);
      const sum = row.reduce((total, value) => total + Math.exp(value), 0);
      expect(scores[at]).toBeCloseTo((row[next] ?? 0) - Math.log(sum), 3);
    }
  });

  it("samples the same for the same seed, alone or beside others, and differently for another", async () => {
    const sample = (seed: number) =>
      engine.generate("Once upon a time", { maxTokens: 40, temperature: 1, seed }).result;
    const alone = await sample(1);
    const [again, other] = await Promise.all([sample(1), sample(2), sample(3)]);
    expect(again.tokens).toEqual(alone.tokens);
    expect(other?.tokens).not.toEqual(alone.tokens);
  });

  it("ends at stop texts, biases and penalties work", async () => {
    const story = (options: object) =>
      engine.generate("Once upon a time", { temperature: 0, maxTokens: 60, ...options }).result;
    const plain = await story({});
    const stopped = await story({ stop: "little girl" });
    expect(stopped).toMatchObject({ text: plain.text.split("little girl")[0], finishReason: "stop" });
    const comma = plain.tokens[0] ?? -1;
    expect((await story({ logitBias: { [comma]: -100 } })).tokens[0]).not.toBe(comma);
    expect((await story({ repetitionPenalty: 1.5 })).text).not.toBe(plain.text);
    expect((await story({ stopTokens: [comma] })).tokens).toEqual([comma]);
  });

  it("reports log-probabilities that are those of score", async () => {
    const prompt = cases[1]?.prompt_ids ?? [];
    const result = await engine.generate(prompt, { maxTokens: 8, temperature: 0, logprobs: 2 }).result;
    const scores = await engine.score([...prompt, ...result.tokens]);
    for (const [index, { logprob, top }] of result.logprobs.entries()) {
      expect(logprob).toBeCloseTo(scores[prompt.length - 1 + index] ?? 0, 3);
      expect(top).toHaveLength(2);
      expect(top[0]).toEqual({ id: result.tokens[index], logprob });
    }
  });

  it("goes on to the context's end and refuses what does not fit", async () => {
    const context = engine.plan().context;
    const result = await engine.generate([BOS], { temperature: 0, ignoreEos: true }).result;
    expect(result.finishReason).toBe("length");
    expect(result.usage.totalTokens).toBe(context);
    expect(() => engine.generate(new Array<number>(context).fill(BOS))).toThrow(
      expect.objectContaining({ code: "ERR_CONTEXT_OVERFLOW" }),
    );
  });

  it("frees its pages after break, abort and signals", async () => {
    const controller = new AbortController();
    const long = { ignoreEos: true, temperature: 0 };
    for await (const chunk of engine.generate([BOS], long)) if (chunk.tokens.length > 0) break;
    const aborted = engine.generate([BOS], { ...long, signal: controller.signal });
    setTimeout(() => controller.abort(), 5);
    await expect(aborted.result).rejects.toMatchObject({ code: "ERR_ABORTED" });
    // A request after them waits for the engine to have dropped them.
    await engine.generate([BOS], { maxTokens: 1 }).result;
    expect(engine.stats()).toMatchObject({ requests: 0, running: 0, waiting: 0 });
    expect(engine.stats().pagesFree).toBe(engine.stats().pagesTotal);
  });

  it("can be disposed in mid-generation, beside another engine that goes on", async () => {
    const second = await Engine.load(model, { threads: 1, maxBatch: 1 });
    const dying = second.generate([BOS], { ignoreEos: true });
    const living = engine.generate("Zoo", { temperature: 0, maxTokens: 30 });
    await second.dispose();
    await expect(dying.result).rejects.toMatchObject({ code: "ERR_DISPOSED" });
    expect(cases[2]?.text.startsWith(`Zoo${(await living.result).text}`)).toBe(true);
  });

  it("loads with progress, within the plan, and refuses a budget that is too small", async () => {
    const reports: number[] = [];
    const phases = new Set<string>();
    const loaded = await Engine.load(model, {
      maxBatch: 2,
      contextLength: 128,
      verify: true,
      initProgressCallback: ({ progress }) => reports.push(progress),
      onProgress: ({ phase }) => phases.add(phase),
    });
    expect(loaded.plan()).toMatchObject({ batch: 2, context: 128, pages: 16 });
    expect(reports).toEqual([...reports].sort((a, b) => a - b));
    expect([...phases]).toEqual(expect.arrayContaining(["package", "tokenizer", "weights"]));
    await loaded.dispose();
    await expect(Engine.load(model, { memoryBudget: 1_000_000 })).rejects.toMatchObject({
      code: "ERR_INSUFFICIENT_MEMORY",
      details: expect.objectContaining({ budget: 1_000_000, batch: 1 }),
    });
    const controller = new AbortController();
    const loading = Engine.load(model, { signal: controller.signal });
    controller.abort();
    await expect(loading).rejects.toMatchObject({ code: "ERR_ABORTED" });
  });
});
