/**
 * Writes a result as JSON, Markdown and an SVG plot. As a program it joins result files (of separate runs of other models):
 *
 *     npx tsx bench/write-report.ts FOLDER RESULT.json...
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { MlcError } from "../lib/errors.js";
import { runProgram, wrongUsage } from "./program.js";
import { ratioPlot } from "./ratio-plot.js";
import { type BenchResult, modelKey, readResult } from "./result.js";
import { reportMarkdown } from "./tables.js";

/** Writes cpu.json, cpu.md and cpu.svg. */
export function writeReport(folder: string, result: BenchResult): void {
  mkdirSync(folder, { recursive: true });
  writeResult(path.join(folder, "cpu.json"), result);
  writeFileSync(path.join(folder, "cpu.md"), `${reportMarkdown(result)}\n![Ratios](cpu.svg)\n`);
  writeFileSync(path.join(folder, "cpu.svg"), ratioPlot(result));
}

/** Writes the JSON file. */
export function writeResult(file: string, result: BenchResult): void {
  writeFileSync(file, `${JSON.stringify(result, undefined, 1)}\n`);
}

/**
 * One result of several; of a model in more than one the later file counts.
 * Errors: ERR_INVALID_ARGUMENT where there is none, or they are of different revisions or settings.
 */
export function joinResults(results: readonly BenchResult[]): BenchResult {
  const [first] = results;
  const conditions = ({ cpu, commit, node, peer, settings }: BenchResult) =>
    JSON.stringify({ cpu, commit, node, peer, settings });
  const other = results.find((result) => first && conditions(result) !== conditions(first));
  if (first === undefined || other !== undefined)
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected results measured alike but received ${results.map(conditions).join(" and ") || "none"}.`,
    );
  const models = new Map(results.flatMap((result) => result.models).map((model) => [modelKey(model), model]));
  return { ...first, models: [...models.values()] };
}

runProgram(import.meta.url, (args) => {
  const [folder, ...files] = args;
  if (folder === undefined || files.length === 0) throw wrongUsage("FOLDER RESULT.json...", args);
  writeReport(folder, joinResults(files.map(readResult)));
  return 0;
});
