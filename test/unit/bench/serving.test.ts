/** The serving benchmark: options, summing up, tables. */
import { describe, expect, it } from "vitest";
import { parseServingOptions } from "../../../bench/serving/options.js";
import type { ServingRun } from "../../../bench/serving/process.js";
import { type ServingResult, servingPoint } from "../../../bench/serving/result.js";
import { servingMarkdown } from "../../../bench/serving/tables.js";
import { percentile } from "../../../bench/statistics.js";

const run = (tokens: number, gap: number): ServingRun => ({
  seconds: 2,
  tokens,
  firstTokenMs: [10, 20],
  interTokenMs: Array.from({ length: 100 }, (_, index) => gap * (index + 1)),
});
const place = { model: "smollm2-135m", streams: 8, prefixTokens: 0 };

it("percentiles are of the nearest rank", () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([0.5, 0.95, 0.99, 1].map((share) => percentile(values, share))).toEqual([50, 95, 99, 100]);
  expect(percentile([7], 0.01)).toBe(7);
  expect(percentile([], 0.5)).toBeNaN();
});

describe("a number of clients", () => {
  it("has the ratios of its rounds and the latencies of all requests", () => {
    const point = servingPoint(place, [
      { ours: run(200, 1), peer: run(20, 4) },
      { ours: run(300, 1), peer: run(20, 4) },
    ]);
    expect(point.ratio).toEqual({ min: 10, median: 12.5, max: 15 });
    expect(point.ours).toMatchObject({ firstTokenMs: [10, 20, 20], interTokenMs: [50, 95, 99], failures: 0 });
    expect(point.interTokenRatio).toBe(4);
  });

  it("counts what failed, and has no ratio without both sides", () => {
    const point = servingPoint(place, [
      { ours: run(200, 1), peer: undefined },
      { ours: undefined, peer: run(20, 1) },
    ]);
    expect(point.ratio).toBeUndefined();
    expect(point.ours?.failures).toBe(1);
    expect(servingPoint(place, [{ ours: undefined, peer: undefined }]).ours).toBeUndefined();
  });
});

it("the report has a table for each prefix and names what failed", () => {
  const result: ServingResult = {
    date: "2026-01-02T00:00:00Z",
    cpu: "CPU",
    platform: "linux x64",
    node: "v20",
    commit: "abc",
    peer: "peer 1",
    threads: 2,
    rounds: 2,
    requests: 3,
    cpuShare: 0.5,
    points: [
      servingPoint(place, [
        { ours: run(200, 1), peer: undefined },
        { ours: run(200, 1), peer: run(20, 2) },
      ]),
      servingPoint({ ...place, prefixTokens: 400 }, [{ ours: run(200, 1), peer: undefined }]),
    ],
  };
  const text = servingMarkdown(result);
  expect(text).toContain("prompts of 16 to 256 tokens");
  expect(text).toContain("| 8 | 100 | 10.0 (1 failed) | **10.0** |");
  expect(text).toContain("prompts that share 400 tokens");
  expect(text).toContain("| 8 | 100 | failed |  |");
  expect(text).toContain("left 50 %");
});

describe("the command line", () => {
  it("has defaults and takes lists", () => {
    expect(parseServingOptions([])).toMatchObject({
      streams: [1, 4, 8, 16, 32],
      prefixes: [0, 400],
      rounds: 3,
    });
    expect(
      parseServingOptions(["--streams", "2, 3", "--prefix", "0", "--mixed-prefill", "64"]),
    ).toMatchObject({
      streams: [2, 3],
      prefixes: [0],
      mixedPrefill: 64,
    });
  });

  it.each([
    ["--streams", "0"],
    ["--streams", "x"],
    ["--prefix", "-1"],
    ["--models", "other"],
    ["--limit", "0"],
    ["--nope"],
  ])("refuses %s %s", (...args) => {
    expect(() => parseServingOptions(args.filter((arg) => arg !== undefined))).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });
});
