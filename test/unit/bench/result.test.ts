import { describe, expect, test } from "vitest";
import { chosenFigures, figureOf } from "../../../bench/figures.js";
import { processesOf } from "../../../bench/peer-process.js";
import type { ModelResult } from "../../../bench/result.js";
import { combinations, median, spread } from "../../../bench/statistics.js";
import { summarize } from "../../../bench/summarize.js";
import { reportMarkdown } from "../../../bench/tables.js";
import { joinResults } from "../../../bench/write-report.js";
import { model, processResult, resultOf } from "./result-fixture.js";

describe("statistics", () => {
  test("median of odd and even counts, any order", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  test("spread and combinations", () => {
    expect(spread([2, 9, 4])).toEqual({ min: 2, median: 4, max: 9 });
    expect(combinations(10, 5)).toBe(252);
    expect(combinations(6, 3)).toBe(20);
  });
});

describe("figures", () => {
  test("the work of chosen groups, each process once", () => {
    expect([...processesOf(chosenFigures(["load", "memory", "ttft"]))]).toEqual([
      ["single", ["load", "context512", "context32"]],
      ["long", ["context2048"]],
    ]);
    expect([...processesOf(chosenFigures(["size"]))]).toEqual([]);
    expect([...processesOf(chosenFigures(["streams"])).values()]).toEqual([
      ["streams1", "streams2", "streams4", "streams8"],
    ]);
  });

  test("an unknown id", () => {
    expect(() => figureOf("speed")).toThrow(/id of a figure/);
  });
});

describe("summarize", () => {
  const figure = (result: ModelResult, id: string) => result.figures.find((one) => one.figure === id);

  test("spreads are over all repetitions, ratios over the rounds' medians", () => {
    const rounds = [
      { ours: [processResult({ decode_32: [200, 300, 250] })], peer: [processResult({ decode_32: [100] })] },
      { ours: [processResult({ decode_32: [400] })], peer: [processResult({ decode_32: [100, 50, 80] })] },
    ];
    const result = summarize(model, [figureOf("decode_32")], rounds, { decodeTokens: 64 });
    expect(figure(result, "decode_32")).toMatchObject({
      ours: { min: 200, median: 275, max: 400 },
      ratio: { min: 2.5, median: 3.75, max: 5 },
      ratios: [2.5, 5],
    });
  });

  test("above 1 we are better where less is better too", () => {
    const [load, size] = ["load", "model_size"].map((id) =>
      figure(resultOf([100]).models[0] as ModelResult, id),
    );
    expect(load?.ratio.median).toBe(3);
    expect(size?.ratio.median).toBeCloseTo(77 / 80, 10);
  });

  test("shares of the limits measured around the process", () => {
    const result = resultOf([300]).models[0] as ModelResult;
    // 75 MB of weights and 32 + 64 / 2 cached tokens of 20 kB, 300 times a second, of 40 GB/s.
    expect(figure(result, "decode_32")?.share?.ours.median).toBeCloseTo(
      (300 * (75e6 + 64 * 20_000)) / 40e9,
      10,
    );
    expect(figure(result, "decode_32")?.share?.peer.median).toBeCloseTo(
      (100 * (76e6 + 64 * 20_000)) / 40e9,
      10,
    );
    expect(figure(result, "prefill_512")?.share).toMatchObject({ of: "int8", ours: { median: 0.2 } });
    expect(figure(result, "load")?.share).toBeUndefined();
  });

  test("the best of the peer's files, figure by figure and round by round", () => {
    const q4 = { scheme: "q4_0" as const, path: "models/b.gguf", bytes: 90e6, decodeBytes: 88e6 };
    const of = (decode: number, load: number) => processResult({ decode_32: [decode], load: [load] });
    const peer = [of(100, 800), { ...of(80, 600), scheme: q4.scheme }];
    const swapped = [of(50, 900), { ...of(200, 1000), scheme: q4.scheme }];
    const rounds = [
      { ours: [of(200, 400)], peer },
      { ours: [of(200, 450)], peer: swapped },
    ];
    const rivals = { ...model, against: [q4.scheme], peers: [...model.peers, q4] } as const;
    const result = summarize(rivals, [figureOf("decode_32"), figureOf("load")], rounds, { decodeTokens: 64 });
    expect(figure(result, "decode_32")).toMatchObject({ ratios: [2, 1], peer: { min: 100, max: 200 } });
    expect(figure(result, "load")).toMatchObject({ ratios: [1.5, 2], peer: { min: 600, max: 900 } });
    expect(figure(result, "decode_32")?.share?.peer.max).toBeCloseTo((200 * (88e6 + 64 * 20_000)) / 40e9, 10);
    expect(reportMarkdown({ ...resultOf([1]), models: [result] })).toContain("best of q4_0p, q4_0");
  });

  test("a figure a process did not report", () => {
    const rounds = [{ ours: [processResult({})], peer: [processResult({ load: [1] })] }];
    expect(() => summarize(model, [figureOf("load")], rounds, { decodeTokens: 64 })).toThrow(
      expect.objectContaining({ code: "ERR_IO" }),
    );
  });
});

describe("joining results", () => {
  test("models of several files, the later one counts", () => {
    const other = resultOf([500]);
    const qwen = { ...(other.models[0] as ModelResult), model: "qwen2.5-0.5b" as const };
    const joined = joinResults([resultOf([100]), { ...other, models: [qwen] }, resultOf([200])]);
    expect(joined.models.map(({ model: name, figures }) => [name, figures[2]?.ours.median])).toEqual([
      ["smollm2-135m", 200],
      ["qwen2.5-0.5b", 500],
    ]);
  });

  test("other revisions or settings are refused", () => {
    expect(() => joinResults([resultOf([1]), resultOf([1], { commit: "def" })])).toThrow(/measured alike/);
    expect(() => joinResults([])).toThrow(/measured alike/);
  });
});
