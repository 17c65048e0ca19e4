import { describe, expect, it } from "vitest";
import type { SamplingOptions } from "../../../lib/engine/sampling-options.js";
import { choiceSeeds, resolveSampling, roomFor } from "../../../lib/engine/sampling-params.js";

const resolve = (options: SamplingOptions, defaults = {}) => resolveSampling(options, defaults, 100);

describe("resolveSampling", () => {
  it("takes the caller's value, else the model's, else a neutral one", () => {
    const params = resolve({ topP: 0.5 }, { temperature: 0.6, topP: 0.9, topK: 20 });
    expect(params).toMatchObject({
      temperature: 0.6,
      topP: 0.5,
      topK: 20,
      minP: 0,
      repetitionPenalty: 1,
      presencePenalty: 0,
      frequencyPenalty: 0,
      stop: [],
      stopTokens: [],
      ignoreEos: false,
      maxTokens: undefined,
      logprobs: undefined,
      typicalP: 1,
      xtcProbability: 0,
      mirostatTau: 0,
      repeatLastN: -1,
      dry: undefined,
      minTokens: 0,
    });
    expect(resolve({ mirostat: 2 }).mirostatTau).toBe(5);
    expect(resolve({ mirostatTau: 3 }).mirostatTau).toBe(0);
    expect(resolve({}).temperature).toBe(1);
    expect(resolve({ temperature: 0 }, { temperature: 0.6 }).temperature).toBe(0);
  });

  it("keeps seeds of 64 bits and draws one where there is none", () => {
    expect(resolve({ seed: 7 }).seed).toBe(7n);
    expect(resolve({ seed: -1 }).seed).toBe(2n ** 64n - 1n);
    expect(resolve({ seed: 2n ** 64n - 1n }).seed).toBe(2n ** 64n - 1n);
    expect(resolve({}).seed).not.toBe(resolve({}).seed);
  });

  it("reads a logit bias and stops", () => {
    const params = resolve({ logitBias: { 5: -100, 7: 2.5 }, stop: "x", stopTokens: [3] });
    expect([...params.logitBias]).toEqual([
      [5, -100],
      [7, 2.5],
    ]);
    expect(params.stop).toEqual(["x"]);
    expect(params.stopTokens).toEqual([3]);
  });

  const bad: [object, string][] = [
    [{ maxTokens: 0 }, "Expected an integer of at least 1 for maxTokens but received 0."],
    [{ maxTokens: 1.5 }, "Expected an integer of at least 1 for maxTokens but received 1.5."],
    [{ temperature: -0.1 }, "Expected a number between 0 and 100 for temperature but received -0.1."],
    [{ temperature: Number.NaN }, "temperature but received NaN"],
    [{ temperature: Number.POSITIVE_INFINITY }, "temperature but received Infinity"],
    [{ temperature: "0.5" }, 'temperature but received "0.5"'],
    [{ topP: 0 }, "a number above 0 and at most 1 for topP"],
    [{ topP: 1.01 }, "topP"],
    [{ topK: -1 }, "topK"],
    [{ topK: 2.5 }, "topK"],
    [{ minP: 1.5 }, "minP"],
    [{ repetitionPenalty: 0 }, "repetitionPenalty"],
    [{ presencePenalty: 2.5 }, "presencePenalty"],
    [{ frequencyPenalty: -3 }, "frequencyPenalty"],
    [{ logitBias: { 100: 1 } }, "an integer between 0 and 99 for a token id of logitBias"],
    [{ logitBias: { x: 1 } }, "logitBias"],
    [{ logitBias: { "": 1 } }, "logitBias"],
    [{ logitBias: { 1: 101 } }, "logitBias[1]"],
    [{ logitBias: [1] }, "logitBias"],
    [{ seed: 1.5 }, "seed"],
    [{ seed: 2n ** 64n }, "seed"],
    [{ stop: "" }, "stop"],
    [{ stop: [1] }, "stop"],
    [{ stop: Array.from({ length: 17 }, () => "a") }, "at most 16 texts"],
    [{ stopTokens: [100] }, "stopTokens"],
    [{ ignoreEos: "yes" }, "true or false for ignoreEos"],
    [{ logprobs: 21 }, "logprobs"],
    [{ typicalP: 0 }, "a number above 0 and at most 1 for typicalP"],
    [{ xtcProbability: -0.5 }, "xtcProbability"],
    [{ xtcThreshold: 2 }, "xtcThreshold"],
    [{ mirostat: 1 }, "2 (Mirostat 2.0) or 0 (off) for mirostat"],
    [{ mirostat: 2, mirostatTau: 0 }, "mirostatTau"],
    [{ mirostatEta: 1.5 }, "mirostatEta"],
    [{ repeatLastN: -2 }, "repeatLastN"],
    [{ dryMultiplier: -1 }, "dryMultiplier"],
    [{ dryBase: 0.5 }, "dryBase"],
    [{ dryAllowedLength: 1.5 }, "dryAllowedLength"],
    [{ dryRange: -2 }, "dryRange"],
    [{ drySequenceBreakers: "x" }, "a list of texts or lists of token ids for drySequenceBreakers"],
    [{ drySequenceBreakers: [""] }, "drySequenceBreakers"],
    [{ drySequenceBreakers: [[]] }, "drySequenceBreakers"],
    [{ drySequenceBreakers: [[100]] }, "drySequenceBreakers"],
    [{ minTokens: -1 }, "minTokens"],
    [{ minTokens: 6, maxTokens: 5 }, "an integer between 0 and 5 for minTokens"],
  ];
  it.each(bad)("refuses %o", (options, message) => {
    expect(() => resolve(options)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining(message) }),
    );
  });
});

describe("choiceSeeds", () => {
  it("gives the first choice the request's seed and the others seeds of their own", () => {
    const seeds = choiceSeeds({ seed: 5 }, 128);
    expect(seeds[0]).toBe(5n);
    expect(new Set(seeds).size).toBe(128);
    expect(choiceSeeds({ seed: 5 }, 3)).toEqual(seeds.slice(0, 3));
    expect(choiceSeeds({}, 1)).not.toEqual(choiceSeeds({}, 1));
  });
});

describe("roomFor", () => {
  it("gives what the context leaves, at most what is asked for", () => {
    expect(roomFor(10, undefined, 32)).toBe(22);
    expect(roomFor(10, 5, 32)).toBe(5);
    expect(roomFor(31, 100, 32)).toBe(1);
  });

  it("refuses a prompt that leaves no room, with the numbers", () => {
    expect(() => roomFor(32, 1, 32)).toThrow(
      expect.objectContaining({
        code: "ERR_CONTEXT_OVERFLOW",
        message: expect.stringContaining(
          "at most 31 tokens (the context holds 32, one is needed for the answer) but received 32",
        ),
        details: { promptTokens: 32, contextLength: 32 },
      }),
    );
  });
});
