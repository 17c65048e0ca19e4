import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { formatValue } from "../../../bench/markdown.js";
import { ratioPlot } from "../../../bench/ratio-plot.js";
import { withBenchmarks } from "../../../bench/readme-table.js";
import { readResult } from "../../../bench/result.js";
import { reportMarkdown, summaryTable } from "../../../bench/tables.js";
import { writeReport } from "../../../bench/write-report.js";
import { resultOf } from "./result-fixture.js";

const folder = mkdtempSync(path.join(tmpdir(), "bench-"));
afterAll(() => rmSync(folder, { recursive: true }));
const result = resultOf([300, 320, 310]);

describe("Markdown", () => {
  test("three digits that count", () => {
    expect([1234.4, 100, 53.64, 3.456, 0.5].map(formatValue)).toEqual([
      "1234",
      "100",
      "53.6",
      "3.46",
      "0.50",
    ]);
  });

  test("the report", () => {
    const text = reportMarkdown(result);
    expect(text).toContain("2 threads of A <fast> CPU (linux x64), Node v20.0.0, peer 1.0, 3 rounds");
    expect(text).toContain("Machine: 40.0 GB/s read, 1000 int8 GOP/s.");
    expect(text).toContain(
      "| decode at context 32, tokens/s | 300 / 310 / 320 | 100 | 3.00 / 3.10 / 3.20 | 59 %, peer 19 % |",
    );
    expect(text).toContain("| process start to ready, ms | 300 | 900 | 3.00 |  |");
  });

  test("a disturbed machine is named", () => {
    const [model] = result.models;
    if (model === undefined) throw new Error("the fixture has no model");
    const machine = { ...model.machine, cpuShare: { min: 0.5, median: 0.9, max: 1 } };
    expect(reportMarkdown({ ...result, models: [{ ...model, machine }] })).toContain(
      "**not quiet**: other programs left 50 % of the processors at worst",
    );
  });

  test("the README's table, between its markers", () => {
    expect(summaryTable(result)).toBe(
      [
        "|  | smollm2-135m q4_0p |",
        "|---|---|",
        "| process start to ready, ms | 300 vs 900 (**3.00x**) |",
        "| prefill, 512 tokens, tokens/s | 1000 vs 500 (**2.00x**) |",
        "| decode at context 32, tokens/s | 310 vs 100 (**3.10x**) |",
      ].join("\n"),
    );
    const marked = "a\n<!-- benchmarks: written by bench/readme-table.ts -->\nold\n<!-- /benchmarks -->\nb\n";
    const updated = withBenchmarks(marked, result);
    expect(updated).toMatch(/^a\n<!--[\s\S]*\n\| decode at context 32[\s\S]*<!-- \/benchmarks -->\nb\n$/);
    expect(updated).not.toContain("old");
    expect(withBenchmarks(updated, result)).toBe(updated);
    expect(() => withBenchmarks("no markers", result)).toThrow(/markers/);
  });

  test("this repository's README has the markers", () => {
    const readme = readFileSync(path.join(import.meta.dirname, "../../../README.md"), "utf8");
    expect(withBenchmarks(readme, result)).toContain("310 vs 100");
  });
});

describe("plot", () => {
  const svg = ratioPlot(result);

  test("well-formed, escaped, with a dark form", () => {
    expect(svg).toContain("A &lt;fast&gt; CPU");
    expect(svg).toContain("@media (prefers-color-scheme: dark)");
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    const open: string[] = [];
    for (const [, closing, name, selfClosed] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g)) {
      if (closing) expect(open.pop()).toBe(name);
      else if (!selfClosed) open.push(name ?? "");
    }
    expect(open).toEqual([]);
  });

  test("bars are as long as the median ratios", () => {
    const widths = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"[^>]*><title>([^<]*)</g)].map(
      ([, width, title]) => [title, Number(width)] as const,
    );
    expect(widths.map(([title]) => title)).toEqual([
      "smollm2-135m q4_0p: process start to ready: 3.00x",
      "smollm2-135m q4_0p: prefill, 512 tokens: 2.00x",
      "smollm2-135m q4_0p: decode at context 32: 3.10x",
      "smollm2-135m q4_0p: package, GGUF file: 0.96x",
    ]);
    const [load = 0, prefill = 0] = widths.map(([, width]) => width);
    expect(load / prefill).toBeCloseTo(1.5, 2);
  });
});

describe("files", () => {
  test("written and read back", () => {
    writeReport(folder, result);
    expect(readResult(path.join(folder, "cpu.json"))).toEqual(result);
    expect(readFileSync(path.join(folder, "cpu.md"), "utf8")).toContain("![Ratios](cpu.svg)");
    expect(readFileSync(path.join(folder, "cpu.svg"), "utf8")).toBe(ratioPlot(result));
  });

  test("files of other versions, and none", () => {
    const file = path.join(folder, "old.json");
    writeFileSync(file, JSON.stringify({ threads: 2, report: [] }));
    expect(() => readResult(file)).toThrow(expect.objectContaining({ code: "ERR_UNSUPPORTED_FORMAT" }));
    expect(() => readResult(path.join(folder, "none.json"))).toThrow(
      expect.objectContaining({ code: "ERR_IO" }),
    );
  });
});
