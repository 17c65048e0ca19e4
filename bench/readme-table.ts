/**
 * Writes the README's benchmark table from a result file, between its markers:
 *
 *     npx tsx bench/readme-table.ts [RESULT.json]
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { MlcError } from "../lib/errors.js";
import { runProgram } from "./program.js";
import { root } from "./repository.js";
import { type BenchResult, readResult } from "./result.js";
import { describeConditions, summaryTable } from "./tables.js";

const BEGIN = "<!-- benchmarks: written by bench/readme-table.ts -->";
const END = "<!-- /benchmarks -->";

/** `readme` with the text between the markers replaced. Errors: ERR_INVALID_ARGUMENT where a marker is missing. */
export function withBenchmarks(readme: string, result: BenchResult): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected the markers ${BEGIN} and ${END} in the README but they are not there: put them around the table.`,
    );
  const body = `${describeConditions(result)}\n\n${summaryTable(result)}`;
  return `${readme.slice(0, begin + BEGIN.length)}\n${body}\n${readme.slice(end)}`;
}

runProgram(import.meta.url, ([file = path.join(root, "docs", "benchmarks", "cpu.json")]) => {
  const readme = path.join(root, "README.md");
  writeFileSync(readme, withBenchmarks(readFileSync(readme, "utf8"), readResult(file)));
  return 0;
});
