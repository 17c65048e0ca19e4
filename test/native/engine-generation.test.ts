import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fakeAnswer, fakeModel, fakePrompt, fakeRequest, RunningEngine } from "../support/fake-model.js";

describe("generation", () => {
  let running: RunningEngine;
  beforeAll(async () => {
    running = await RunningEngine.load(fakeModel());
  });
  afterAll(() => running.engine.dispose());

  it("continues a prompt greedily and reports the end", async () => {
    const prompt = fakePrompt(5);
    const { tokens, last } = await running.run(fakeRequest(1, prompt, { maxTokens: 6 }));
    expect(tokens).toEqual(fakeAnswer(prompt, 6));
    expect(last).toMatchObject({
      id: 1,
      finish: "length",
      promptTokens: 5,
      completionTokens: 6,
      preemptions: 0,
    });
    expect(last.timing?.queueMs).toBeGreaterThanOrEqual(0);
    expect(last.timing?.decodeMs).toBeGreaterThanOrEqual(0);
    expect(last.error).toBeUndefined();
  });

  it("answers many requests of all lengths at once, as if each were alone", async () => {
    const lengths = [1, 16, 17, 31, 32, 33, 100, 2, 64, 5, 200];
    const outcomes = await Promise.all(
      lengths.map((length, i) => running.run(fakeRequest(10 + i, fakePrompt(length, i), { maxTokens: 30 }))),
    );
    outcomes.forEach(({ tokens, last }, i) => {
      expect(tokens).toEqual(fakeAnswer(fakePrompt(lengths[i] ?? 0, i), 30));
      expect(last.finish).toBe("length");
    });
    expect(running.engine.stats()).toMatchObject({ running: 0, waiting: 0, pagesFree: 64 });
  });

  it("ends at a stop token, which it reports, and not when it is ignored", async () => {
    const prompt = fakePrompt(9, 3);
    const answer = fakeAnswer(prompt, 12);
    const stop = answer[7] ?? 0;
    const stopTokens = Int32Array.of(49, stop);
    const end = answer.findIndex((token) => token === stop || token === 49);
    const stopped = await running.run(fakeRequest(30, prompt, { maxTokens: 12, stopTokens }));
    expect(stopped.tokens).toEqual(answer.slice(0, end + 1));
    expect(stopped.last.finish).toBe("stop");
    const ignored = await running.run(
      fakeRequest(31, prompt, { maxTokens: 12, stopTokens, ignoreEos: true }),
    );
    expect(ignored.tokens).toEqual(answer);
    expect(ignored.last.finish).toBe("length");
  });

  it("counts thoughts, and ends them at their budget in the model's place", async () => {
    const prompt = fakePrompt(9, 5);
    const answer = fakeAnswer(prompt, 4);
    const thought = {
      begin: Int32Array.of(48),
      end: Int32Array.of(49),
      close: Int32Array.of(7, 49),
      begun: true,
    };
    const counted = await running.run(fakeRequest(50, prompt, { maxTokens: 4, thought }));
    expect(counted).toMatchObject({ tokens: answer, last: { thoughtTokens: 4 } });
    const closed = await running.run(
      fakeRequest(51, prompt, { maxTokens: 8, thought: { ...thought, budget: 4 } }),
    );
    const forced = [...prompt, ...answer, 7, 49];
    expect(closed.tokens).toEqual([...answer, 7, 49, ...fakeAnswer(forced, 2)]);
    expect(closed.last).toMatchObject({ finish: "length", thoughtTokens: 4, completionTokens: 8 });
  });

  it("ends with 'length' when the context is full", async () => {
    const prompt = fakePrompt(250, 4);
    const { tokens, last } = await running.run(fakeRequest(40, prompt, { maxTokens: 1000 }));
    expect(tokens).toEqual(fakeAnswer(prompt, 6));
    expect(last).toMatchObject({ finish: "length", promptTokens: 250, completionTokens: 6 });
  });

  it("slides on beyond the context: the first tokens stay, and half of the others", async () => {
    const prompt = fakePrompt(100, 8);
    const expected: number[] = [];
    let text = prompt;
    let dropped = 0;
    for (let left = 500; left > 0; ) {
      const answer = fakeAnswer(text, Math.min(left, 256 - text.length));
      expected.push(...answer);
      left -= answer.length;
      text = [...text, ...answer];
      if (text.length < 256) break;
      const drop = Math.ceil((256 - 20) / 2);
      text = [...text.slice(0, 20), ...text.slice(20 + drop)];
      dropped += drop;
    }
    const [{ tokens, last }] = await Promise.all([
      running.run(fakeRequest(45, prompt, { maxTokens: 500, slideKeep: 20 })),
      running.run(fakeRequest(46, prompt, { maxTokens: 500, slideKeep: 0 })),
    ]);
    expect(tokens).toEqual(expected);
    expect(last).toMatchObject({
      finish: "length",
      promptTokens: 100,
      completionTokens: 500,
      droppedTokens: dropped,
    });
  });

  it("draws the same tokens for the same seed, whatever else runs", async () => {
    const prompt = fakePrompt(12, 5);
    const request = (id: number, seed: bigint) =>
      fakeRequest(id, prompt, { temperature: 4, topP: 0.99, seed, maxTokens: 20 });
    const alone = await running.run(request(50, 7n));
    const [again, modulo, other] = await Promise.all([
      running.run(request(51, 7n)),
      running.run(request(52, 7n + 2n ** 64n)),
      running.run(request(53, 8n)),
      ...[54, 55, 56].map((id) => running.run(request(id, BigInt(id)))),
    ]);
    expect(again?.tokens).toEqual(alone.tokens);
    expect(modulo?.tokens).toEqual(alone.tokens);
    expect(other?.tokens).not.toEqual(alone.tokens);
    expect(alone.tokens).not.toEqual(fakeAnswer(prompt, 20));
  });

  it("obeys bias and penalties", async () => {
    const prompt = fakePrompt(6, 6);
    const [first = 0] = fakeAnswer(prompt, 1);
    const biased = await running.run(
      fakeRequest(60, prompt, {
        maxTokens: 1,
        logitBias: { ids: Int32Array.of(first, 3), values: Float32Array.of(-100, 100) },
      }),
    );
    expect(biased.tokens).toEqual([3]);
    const unrepeated = await running.run(
      fakeRequest(61, prompt, { maxTokens: 40, presencePenalty: 1000, repetitionPenalty: 1.2 }),
    );
    expect(new Set(unrepeated.tokens).size).toBe(40);
  });

  it("reports log-probabilities of the token and its alternatives", async () => {
    const prompt = fakePrompt(6, 7);
    const { tokens, logprobs } = await running.run(fakeRequest(70, prompt, { maxTokens: 3, logprobs: 4 }));
    expect(logprobs).toHaveLength(3);
    for (const [i, { logprob, top }] of logprobs.entries()) {
      expect(top).toHaveLength(4);
      expect(top[0]?.id).toBe(tokens[i]);
      expect(top[0]?.logprob).toBe(logprob);
      expect(logprob).toBeGreaterThan(-0.1);
      expect(top[1]?.logprob).toBeLessThan(-8);
    }
    const none = await running.run(fakeRequest(71, prompt, { logprobs: 0 }));
    expect(none.logprobs.every(({ top }) => top.length === 0)).toBe(true);
    const off = await running.run(fakeRequest(72, prompt));
    expect(off.logprobs).toHaveLength(0);
  });
});

describe("a small KV pool", () => {
  it("preempts and recomputes without a trace in the answers", async () => {
    const running = await RunningEngine.load(fakeModel({}, { pages: 12, contextLength: 150 }));
    const outcomes = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((id) =>
        running.run(fakeRequest(id, fakePrompt(20 + id, id), { maxTokens: 90 })),
      ),
    );
    outcomes.forEach(({ tokens }, i) => {
      expect(tokens).toEqual(fakeAnswer(fakePrompt(21 + i, i + 1), 90));
    });
    const stats = running.engine.stats();
    expect(stats.preemptions).toBeGreaterThan(0);
    expect(outcomes.reduce((sum, { last }) => sum + (last.preemptions ?? 0), 0)).toBe(stats.preemptions);
    expect(stats).toMatchObject({ pagesFree: 12, pagesPeak: 12, finished: 6 });
    await running.engine.dispose();
  });

  it("ends an answer that fills it with 'length', and refuses a prompt that does", async () => {
    const running = await RunningEngine.load(fakeModel({}, { pages: 2 }));
    const prompt = fakePrompt(30, 2);
    const { tokens, last } = await running.run(fakeRequest(1, prompt, { maxTokens: 100 }));
    expect(tokens).toEqual(fakeAnswer(prompt, 2));
    expect(last.finish).toBe("length");
    expect(() => running.engine.submit(fakeRequest(2, fakePrompt(32)))).toThrow(
      expect.objectContaining({ code: "ERR_INSUFFICIENT_MEMORY" }),
    );
    await running.engine.dispose();
  });
});

describe("faults", () => {
  it("a failing step fails its requests; the engine lives on", async () => {
    const running = await RunningEngine.load(fakeModel({ failingToken: 49 }, { maxBatch: 1 }));
    const [broken, fine] = await Promise.all([
      running.run(fakeRequest(1, [1, 49, 3])),
      running.run(fakeRequest(2, [1, 2, 3], { maxTokens: 1 })),
    ]);
    expect(broken.last.finish).toBe("error");
    expect(broken.last.error?.code).toBe("ERR_NATIVE");
    expect(broken.last.error?.message).toContain("the fake model was told to fail");
    expect(fine.tokens).toEqual(fakeAnswer([1, 2, 3], 1));
    expect(running.engine.stats()).toMatchObject({ failed: 1, finished: 1, pagesFree: 64 });
    await running.engine.dispose();
  });

  it("NaN logits fail the one request", async () => {
    const running = await RunningEngine.load(fakeModel({ nanToken: 48 }));
    const [broken, fine] = await Promise.all([
      running.run(fakeRequest(1, [1, 2, 48])),
      running.run(fakeRequest(2, [1, 2, 3], { maxTokens: 2 })),
    ]);
    expect(broken.last.error?.message).toContain("NaN");
    expect(fine.tokens).toEqual(fakeAnswer([1, 2, 3], 2));
    await running.engine.dispose();
  });
});

describe("abort", () => {
  it.each([
    ["in the queue", 0],
    ["in prefill", 1],
    ["in decode", 2],
  ])("%s frees the pages before its event", async (_name, where) => {
    const running = await RunningEngine.load(fakeModel({ stepMs: 15 }, { maxBatch: 1, prefillChunk: 16 }));
    if (where === 0) void running.run(fakeRequest(99, [1], { maxTokens: 200 }));
    const outcome = running.run(fakeRequest(1, fakePrompt(where === 1 ? 200 : 10), { maxTokens: 100 }));
    if (where === 2) await running.tokens(1, 3);
    else await new Promise((resolve) => setTimeout(resolve, 40));
    running.engine.abort(1);
    const { tokens, last } = await outcome;
    expect(last.finish).toBe("abort");
    expect(tokens).toEqual(fakeAnswer(fakePrompt(10), 100).slice(0, where === 2 ? tokens.length : 0));
    running.engine.abort(1); // known no more: nothing
    running.engine.abort(12345);
    if (where === 0) running.engine.abort(99);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(running.engine.stats()).toMatchObject({ pagesFree: 64, running: 0, waiting: 0 });
    await running.engine.dispose();
  });
});

describe("events", () => {
  it("arrive in one call a step, and keep nothing back when JavaScript is slow", async () => {
    const running = await RunningEngine.load(fakeModel({ stepMs: 1 }));
    const outcomes = [1, 2, 3, 4].map((id) => running.run(fakeRequest(id, [id], { maxTokens: 40 })));
    await running.tokens(1, 2);
    const until = performance.now() + 30;
    while (performance.now() < until); // the event loop is blocked for many steps
    for (const { tokens } of await Promise.all(outcomes)) expect(tokens).toHaveLength(40);
    const { steps } = running.engine.stats();
    expect(steps).toBeLessThanOrEqual(44);
    expect(running.calls).toBeLessThan(steps);
    await running.engine.dispose();
  });

  it("an id may be used again when its request has ended", async () => {
    const running = await RunningEngine.load(fakeModel());
    await running.run(fakeRequest(1, [1]));
    const pending = running.run(fakeRequest(1, [2], { maxTokens: 200 }));
    expect(() => running.engine.submit(fakeRequest(1, [2]))).toThrow(/id/);
    await pending;
    await running.engine.dispose();
  });
});
