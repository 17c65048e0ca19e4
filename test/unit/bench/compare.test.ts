import { describe, expect, test } from "vitest";
import { compareResults, describeComparisons } from "../../../bench/compare.js";
import { resultOf } from "./result-fixture.js";

const verdictOf = (before: readonly number[], after: readonly number[]) =>
  compareResults(resultOf(before), resultOf(after)).find(({ figure }) => figure === "decode_32")?.verdict;

describe("which ratio moved", () => {
  test.each([
    ["rounds that do not overlap", [200, 210, 205], [150, 160, 155], "worse"],
    ["the same upwards", [150, 160, 155], [200, 210, 205], "better"],
    ["overlapping rounds", [200, 210, 150], [151, 140, 145], "same"],
    ["apart by less than 5 %", [200, 201, 202], [196, 197, 195], "same"],
    ["equal files", [200, 200, 200], [200, 200, 200], "same"],
  ] as const)("%s", (_, before, after, verdict) => {
    expect(verdictOf(before, after)).toBe(verdict);
  });

  test("figures and models that only one file has are left out", () => {
    const after = resultOf([100, 101, 102]);
    const before = {
      ...after,
      models: after.models.map((model) => ({ ...model, figures: model.figures.slice(0, 1) })),
    };
    expect(compareResults(before, after).map(({ figure }) => figure)).toEqual(["load"]);
    expect(() => compareResults({ ...after, models: [] }, after)).toThrow(/in common/);
  });

  test.each([
    { cpu: "another" },
    { peer: "peer 2.0" },
    { settings: { threads: 4, repeats: 3, decodeTokens: 64 } },
    { settings: { threads: 2, repeats: 3, decodeTokens: 128 } },
  ])("files measured otherwise are refused: %o", (changes) => {
    expect(() => compareResults(resultOf([100]), resultOf([100], changes))).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });

  test("another set of the peer's files is refused", () => {
    const before = resultOf([100, 100, 100]);
    const models = before.models.map((model) => ({
      ...model,
      peers: [model.peers[0], model.peers[0]] as const,
    }));
    expect(() => compareResults(before, { ...before, models })).toThrow(/files of the peer/);
  });

  test("a file of fewer rounds than have a spread", () => {
    expect(() => compareResults(resultOf([100, 100]), resultOf([100, 100, 100]))).toThrow(
      /at least 3 rounds/,
    );
  });

  test("what is said", () => {
    const comparisons = compareResults(resultOf([200, 200, 200]), resultOf([100, 100, 100]));
    expect(describeComparisons(comparisons)).toBe(
      "worse: smollm2-135m q4_0p decode_32: ratio 2.00 -> 1.00 (-50 %)\n" +
        "1 of 4 ratios moved beyond noise; chance alone moves up to 0.4 of them.",
    );
  });
});
