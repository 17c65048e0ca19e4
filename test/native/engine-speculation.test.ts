// Speculation through the addon: drafts change how many steps answers take, never the answers.
import { afterEach, describe, expect, it } from "vitest";
import type { NativeEngineConfig } from "../../lib/ffi/index.js";
import {
  type FakeModelOptions,
  fakeAnswer,
  fakeModel,
  fakePrompt,
  fakeRequest,
  RunningEngine,
} from "../support/fake-model.js";

let running: RunningEngine | undefined;
afterEach(async () => {
  await running?.engine.dispose();
  running = undefined;
});

/** Steps long enough that drafts pay. */
const STEP_MS = 2;

const load = async (speculation?: NativeEngineConfig["speculation"]): Promise<RunningEngine> => {
  const change = speculation === undefined ? {} : { speculation };
  running = await RunningEngine.load(fakeModel({ stepMs: STEP_MS }, change));
  return running;
};

const draftModel = (options: FakeModelOptions = {}) => ({ draftTokens: 6, model: fakeModel(options) });

describe("a draft model", () => {
  it("that says the same saves most steps, also for several requests at a time", async () => {
    const { engine } = await load(draftModel());
    const prompts = [1, 2, 3].map((seed) => fakePrompt(10 * seed, seed));
    const outcomes = await Promise.all(
      prompts.map((prompt, id) => running?.run(fakeRequest(id, prompt, { maxTokens: 40 }))),
    );
    outcomes.forEach((outcome, i) => {
      expect(outcome?.tokens).toEqual(fakeAnswer(prompts[i] ?? [], 40));
      expect(outcome?.last.acceptedTokens).toBe(outcome?.last.draftedTokens);
    });
    const stats = engine.stats();
    expect(stats.acceptedTokens).toBeGreaterThan(60);
    expect(stats.steps).toBeLessThan(40);
    expect(stats.pagesFree).toBe(stats.pagesTotal);
  });

  it("gives sampled answers that are those without it", async () => {
    const ask = (id: number, seed: bigint) =>
      running?.run(fakeRequest(id, fakePrompt(12, 3), { maxTokens: 30, temperature: 4, seed }));
    await load();
    const alone = [await ask(1, 1n), await ask(2, 2n)].map((outcome) => outcome?.tokens);
    await running?.engine.dispose();
    const { engine } = await load(draftModel());
    const drafted = [await ask(1, 1n), await ask(2, 2n)].map((outcome) => outcome?.tokens);
    expect(drafted).toEqual(alone);
    expect(drafted[0]).not.toEqual(drafted[1]);
    expect(engine.stats().acceptedTokens).toBeGreaterThan(0);
  });

  it("that fails fails the request, not the process", async () => {
    const prompt = fakePrompt(5, 2);
    const [first = 0] = fakeAnswer(prompt, 1);
    await load(draftModel({ failingToken: first }));
    const outcome = await running?.run(fakeRequest(1, prompt, { maxTokens: 10 }));
    expect(outcome?.last.finish).toBe("error");
    expect(outcome?.last.error?.code).toBe("ERR_NATIVE");
  });

  it("that does not load is the load's error", async () => {
    const model = { ...fakeModel(), library: "/nowhere/library.so" };
    await expect(load({ draftTokens: 4, model })).rejects.toMatchObject({ code: "ERR_INVALID_PACKAGE" });
  });
});

it("n-grams need no second model", async () => {
  const { engine } = await load({ draftTokens: 8 });
  // The prompt holds the beginning of its own answer again and again, so that its end was there before.
  const prompt = Array.from({ length: 30 }, (_, i) => i % 3);
  const outcome = await running?.run(fakeRequest(1, prompt, { maxTokens: 30 }));
  expect(outcome?.tokens).toEqual(fakeAnswer(prompt, 30));
  expect(engine.stats().draftedTokens).toBeGreaterThan(0);
});

it("an abort in a step with a draft leaks no page", async () => {
  const { engine } = await load(draftModel());
  const endless = running?.run(fakeRequest(1, fakePrompt(5, 1), { maxTokens: 180 }));
  await running?.tokens(1, 20);
  engine.abort(1);
  expect((await endless)?.last.finish).toBe("abort");
  expect(engine.stats().pagesFree).toBe(engine.stats().pagesTotal);
});

it.each([
  [{ draftTokens: 0 }, /draftTokens/],
  [{ draftTokens: 65 }, /draftTokens/],
  [{ draftTokens: 4, model: 7 }, /model/],
  [7, /speculation/],
])("refuses %j", async (speculation, message) => {
  await expect(load(speculation as never)).rejects.toMatchObject({
    code: "ERR_INVALID_ARGUMENT",
    message: expect.stringMatching(message),
  });
});
