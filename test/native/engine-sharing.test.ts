// What requests share: prefixes in the KV cache, and the steps, by priority.
import { afterEach, describe, expect, it } from "vitest";
import { fakeAnswer, fakeModel, fakePrompt, fakeRequest, RunningEngine } from "../support/fake-model.js";

let running: RunningEngine;
afterEach(() => running.engine.dispose());

const load = async (change: Parameters<typeof fakeModel>[1] = {}, stepMs = 0) => {
  running = await RunningEngine.load(fakeModel({ stepMs }, change));
};

describe("the prefix cache", () => {
  it("finds a prompt that was there before, and changes no token", async () => {
    await load();
    const prompt = fakePrompt(50, 3);
    const seeded = { temperature: 4, seed: 9n, maxTokens: 20 };
    const first = await running.run(fakeRequest(1, prompt, seeded));
    const second = await running.run(fakeRequest(2, prompt, seeded));
    expect(first.last.cachedTokens).toBe(0);
    expect(second.last).toMatchObject({ cachedTokens: 48, promptTokens: 50 });
    expect(second.tokens).toEqual(first.tokens);
    expect(running.engine.stats()).toMatchObject({
      promptTokens: 52,
      prefixLookups: 2,
      prefixLookupTokens: 100,
      prefixHitTokens: 48,
      prefixEvictions: 0,
      pagesFree: 64,
      pagesCached: 4, // 69 tokens are computed
    });
  });

  it("finds the answer in the next turn, and the tokens of a request that runs", async () => {
    await load({}, 1);
    const prompt = fakePrompt(20, 4);
    const { tokens } = await running.run(fakeRequest(1, prompt, { maxTokens: 30 }));
    const turn = [...prompt, ...tokens, 7, 7];
    const endless = running.run(fakeRequest(2, turn, { maxTokens: 150 }));
    await running.tokens(2, 40);
    const fork = [...turn, ...fakeAnswer(turn, 30)];
    const forked = await running.run(fakeRequest(3, fork, { maxTokens: 5 }));
    expect(forked.last.cachedTokens).toBe(80); // of 82
    expect(forked.tokens).toEqual(fakeAnswer(fork, 5));
    const { last } = await endless;
    expect(last.cachedTokens).toBe(48); // of 52
  });

  it("keeps no more pages than it may, the beginnings longest", async () => {
    await load({ cachedPages: 2 });
    const prompt = fakePrompt(50, 3);
    await running.run(fakeRequest(1, prompt));
    expect(running.engine.stats()).toMatchObject({ pagesCached: 2, prefixEvictions: 1 });
    const again = await running.run(fakeRequest(2, prompt));
    expect(again.last.cachedTokens).toBe(32);
    expect(again.tokens).toEqual(fakeAnswer(prompt, 8));
  });

  it("computes a prompt once for requests that come together", async () => {
    await load();
    const prompt = fakePrompt(70, 5);
    const outcomes = await Promise.all([1, 2, 3, 4].map((id) => running.run(fakeRequest(id, prompt))));
    for (const { tokens } of outcomes) expect(tokens).toEqual(fakeAnswer(prompt, 8));
    expect(running.engine.stats().promptTokens).toBe(70 + 3 * 6);
  });

  it("makes room: the pages that were used longest ago go first", async () => {
    await load({ pages: 9 });
    const ask = (id: number, seed: number) => running.run(fakeRequest(id, fakePrompt(64, seed)));
    for (const seed of [1, 2, 1, 3]) await ask(seed * 10 + running.engine.stats().finished, seed);
    const [kept, gone] = [await ask(100, 1), await ask(101, 2)];
    expect(kept.last.cachedTokens).toBe(48);
    expect(gone.last.cachedTokens).toBe(0);
    expect(gone.tokens).toEqual(fakeAnswer(fakePrompt(64, 2), 8));
    expect(running.engine.stats().prefixEvictions).toBeGreaterThan(0);
  });

  it("can be turned off", async () => {
    await load({ prefixCache: false });
    for (const id of [1, 2]) {
      const { last } = await running.run(fakeRequest(id, fakePrompt(50, 3)));
      expect(last.cachedTokens).toBe(0);
    }
    expect(running.engine.stats()).toMatchObject({ promptTokens: 100, prefixHitTokens: 0, pagesCached: 0 });
  });
});

describe("priority", () => {
  it("decides who goes first, and who gives way", async () => {
    await load({ maxBatch: 1 }, 1);
    const ended: number[] = [];
    const ask = async (id: number, priority: number, maxTokens: number) => {
      const prompt = fakePrompt(20, id);
      const { tokens, last } = await running.run(fakeRequest(id, prompt, { priority, maxTokens }));
      expect(tokens).toEqual(fakeAnswer(prompt, maxTokens));
      ended.push(id);
      return last;
    };
    const long = ask(1, 0, 100);
    await running.tokens(1, 3);
    await Promise.all([ask(2, -1, 3), ask(3, 0, 3), ask(4, 1, 3), ask(5, 2, 3)]);
    expect((await long).preemptions).toBe(1);
    expect(ended).toEqual([5, 4, 1, 3, 2]);
  });
});
