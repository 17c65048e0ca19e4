import { describe, expect, test } from "vitest";
import { BENCH_MODELS } from "../../../bench/model-source.js";
import { parseOptions, USAGE } from "../../../bench/options.js";

describe("the benchmark's options", () => {
  test("defaults: every model, q4_0p, every figure, three rounds", () => {
    const options = parseOptions([]);
    expect(options.models).toEqual([
      { model: "smollm2-135m-instruct", scheme: "q4_1", against: [] },
      { model: "smollm2-135m", scheme: "q4_0p", against: [] },
      { model: "qwen2.5-0.5b", scheme: "q4_0p", against: [] },
      { model: "llama-3.2-1b", scheme: "q4_0p", against: [] },
    ]);
    expect(options).toMatchObject({ rounds: 3, settings: { repeats: 3, decodeTokens: 64 } });
    expect(options.figures).toHaveLength(7);
  });

  test("lists and numbers", () => {
    const options = parseOptions([
      ...["--models", "llama-3.2-1b,smollm2-135m", "--schemes", "q4_0,q4_k_m", "--figures", "load,size"],
      ...["--against", "q4_0p", "--rounds", "5", "--threads", "4", "--compile=--tune  --x 1"],
    ]);
    expect(options.models.map(({ model, scheme }) => `${model} ${scheme}`)).toEqual([
      "llama-3.2-1b q4_0",
      "llama-3.2-1b q4_k_m",
      "smollm2-135m q4_0",
      "smollm2-135m q4_k_m",
    ]);
    expect(options.models.every(({ against }) => against.join() === "q4_0p")).toBe(true);
    expect(options).toMatchObject({
      figures: ["load", "size"],
      rounds: 5,
      settings: { threads: 4 },
      compileArguments: ["--tune", "--x", "1"],
    });
  });

  test.each([
    [["--models", "gpt-5"], /--models of smollm2-135m-instruct/],
    [["--schemes", "q4_1"], /--schemes of q4_0p/],
    [["--figures", "speed"], /--figures of load/],
    [["--rounds", "0"], /--rounds of 1 to 1000/],
    [["--compare", "a.json", "--rounds", "2"], /--rounds of 3 to 1000/],
    [["--decode-tokens", "1"], /--decode-tokens of 2 to 400/],
    [["--fast"], /fast/],
    [["--with", "a.json"], /--compare FILE/],
  ])("%j is refused", (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });

  test("llama-batched-bench is left out unless its path is given", () => {
    expect(parseOptions([]).batchedBench).toBeUndefined();
    expect(parseOptions(["--batched-bench", "a/llama-batched-bench"]).batchedBench).toBe(
      "a/llama-batched-bench",
    );
  });

  test("the usage names every model", () => {
    for (const model of BENCH_MODELS) expect(USAGE).toContain(model);
  });
});
