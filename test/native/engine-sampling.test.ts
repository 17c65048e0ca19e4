/** Sampling options through the addon: that each arrives, and that wrong values are refused by name. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NativeRequest } from "../../lib/ffi/index.js";
import { fakeAnswer, fakeModel, fakePrompt, fakeRequest, RunningEngine } from "../support/fake-model.js";

describe("sampling options of the native engine", () => {
  let running: RunningEngine;
  let id = 0;
  const prompt = fakePrompt(7, 2);
  const run = (change: Partial<NativeRequest>) =>
    running.run(fakeRequest(++id, prompt, { maxTokens: 40, temperature: 4, seed: 3n, ...change }));
  beforeAll(async () => {
    running = await RunningEngine.load(fakeModel());
  });
  afterAll(() => running.engine.dispose());

  it("typical-p and XTC leave other tokens than the plain draw", async () => {
    const plain = await run({});
    for (const change of [{ typicalP: 0.05 }, { xtcProbability: 1, xtcThreshold: 0.01 }]) {
      const first = await run(change);
      expect(first.tokens).not.toEqual(plain.tokens);
      expect((await run(change)).tokens).toEqual(first.tokens);
    }
    expect((await run({ typicalP: 1, xtcProbability: 0 })).tokens).toEqual(plain.tokens);
  });

  it("Mirostat with hardly any surprise is greedy, and the same each time", async () => {
    const strict = await run({ temperature: 1, mirostatTau: 1e-3 });
    expect(strict.tokens).toEqual(fakeAnswer(prompt, 40));
    const loose = await run({ mirostatTau: 5, mirostatEta: 0.1 });
    expect(loose.tokens).not.toEqual(strict.tokens);
    expect((await run({ mirostatTau: 5, mirostatEta: 0.1 })).tokens).toEqual(loose.tokens);
  });

  it("no stop token is chosen before minTokens", async () => {
    const greedy = fakeAnswer(prompt, 10);
    const stop = { temperature: 0, stopTokens: Int32Array.of(greedy[2] ?? 0) };
    expect((await run(stop)).tokens).toHaveLength(3);
    const { tokens } = await run({ ...stop, minTokens: 20 });
    expect(tokens.length).toBeGreaterThan(20);
    expect(tokens.slice(0, 20)).not.toContain(greedy[2]);
  });

  it("the penalty window and DRY change what repeats", async () => {
    // Every logit but one is 0, so a large bias makes the model say one token again and again.
    const logitBias = { ids: Int32Array.of(9), values: Float32Array.of(50) };
    const same = { temperature: 0, maxTokens: 30, logitBias };
    expect(new Set((await run(same)).tokens)).toEqual(new Set([9]));
    const breakers = { breakers: new Int32Array(), breakerLengths: new Int32Array() };
    const dry = { multiplier: 5, base: 2, allowedLength: 3, range: -1, ...breakers };
    const dried = await run({ ...same, dry });
    expect(dried.tokens.slice(0, 5)).toEqual([9, 9, 9, 9, 9]);
    expect(new Set(dried.tokens).size).toBeGreaterThan(1);
    const broken = { ...dry, breakers: Int32Array.of(9), breakerLengths: Int32Array.of(1) };
    expect(new Set((await run({ ...same, dry: broken })).tokens)).toEqual(new Set([9]));
    const penalty = { ...same, frequencyPenalty: 10 };
    expect(new Set((await run(penalty)).tokens).size).toBeGreaterThan(1);
    expect(new Set((await run({ ...penalty, penaltyWindow: 3 })).tokens)).toEqual(new Set([9]));
  });

  const dry = {
    multiplier: 1,
    base: 2,
    allowedLength: 2,
    range: -1,
    breakers: new Int32Array(),
    breakerLengths: new Int32Array(),
  };
  it.each<[string, object]>([
    ["typicalP", { typicalP: 1.5 }],
    ["typicalP", { typicalP: Number.NaN }],
    ["xtcProbability", { xtcProbability: -1 }],
    ["xtcThreshold", { xtcThreshold: 2 }],
    ["mirostatTau", { mirostatTau: -1 }],
    ["mirostatEta", { mirostatEta: "0.1" }],
    ["penaltyWindow", { penaltyWindow: -2 }],
    ["minTokens", { minTokens: 0.5 }],
    ["externalLogits", { externalLogits: 1 }],
    ["dry", { dry: 3 }],
    ["multiplier", { dry: { ...dry, multiplier: -1 } }],
    ["base", { dry: { ...dry, base: 0.5 } }],
    ["allowedLength", { dry: { ...dry, allowedLength: -1 } }],
    ["range", { dry: { ...dry, range: -2 } }],
    ["breakers", { dry: { ...dry, breakers: Int32Array.of(50), breakerLengths: Int32Array.of(1) } }],
    ["breakerLengths", { dry: { ...dry, breakers: Int32Array.of(5), breakerLengths: Int32Array.of(2) } }],
    ["breakerLengths", { dry: { ...dry, breakers: Int32Array.of(5), breakerLengths: Int32Array.of(0) } }],
    ["breakerLengths", { dry: { ...dry, breakers: Int32Array.of(5), breakerLengths: new Int32Array() } }],
  ])("refuses a wrong %s", (name, change) => {
    const request = { ...fakeRequest(1000, prompt), ...change } as NativeRequest;
    expect(() => running.engine.submit(request)).toThrow(
      expect.objectContaining({
        code: "ERR_INVALID_ARGUMENT",
        message: expect.stringContaining(`'${name}'`),
      }),
    );
  });
});
