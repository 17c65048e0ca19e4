/**
 * `npm run bench`: node-mlc beside node-llama-cpp on the very same weights, in separate processes that take turns. How to
 * read and to use it: docs/benchmarks/README.md.
 */
import { execFileSync } from "node:child_process";
import os from "node:os";
import path from "node:path";
import { buildCalibration, type Calibration, QUIET_CPU_SHARE } from "./calibration.js";
import { compareResults, describeComparisons } from "./compare.js";
import { chosenFigures } from "./figures.js";
import { installPeer, PEER_NAME } from "./install-peer.js";
import { measureRound } from "./measure.js";
import { type ModelFiles, type PreparedModel, prepareModel } from "./model-source.js";
import { type BenchOptions, parseOptions, USAGE } from "./options.js";
import { runProgram } from "./program.js";
import { root } from "./repository.js";
import {
  type BenchResult,
  type ModelResult,
  modelKey,
  RESULT_VERSION,
  type Round,
  readResult,
} from "./result.js";
import { serving } from "./serving/run.js";
import { summarize } from "./summarize.js";
import { reportMarkdown } from "./tables.js";
import { writeReport, writeResult } from "./write-report.js";

runProgram(import.meta.url, ([first, ...rest]) =>
  first === "serving" ? serving(rest) : main(parseOptions(first === undefined ? [] : [first, ...rest])),
);

/** Exit status. */
function main(options: BenchOptions): number {
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const baseline = options.compare === undefined ? undefined : readResult(options.compare);
  const result = options.with === undefined ? measure(options) : readResult(options.with);
  if (baseline === undefined) return 0;
  const comparisons = compareResults(baseline, result);
  console.log(describeComparisons(comparisons));
  return comparisons.some(({ verdict }) => verdict === "worse") ? 1 : 0;
}

function measure(options: BenchOptions): BenchResult {
  installPeer();
  const calibrate = buildCalibration(options.settings.threads);
  // All models first: nothing compiles between measurements.
  const prepared = options.models.map((choice) => prepareModel(choice, options.compileArguments));
  const models: ModelResult[] = [];
  for (const model of prepared) {
    models.push(measureModel(model, options, calibrate));
    if (options.json !== undefined) writeResult(options.json, resultOf(options, models));
  }
  const result = resultOf(options, models);
  console.log(reportMarkdown(result));
  if (options.out !== undefined) writeReport(options.out, result);
  return result;
}

function measureModel(
  model: PreparedModel,
  { rounds, figures: groups, settings, batchedBench }: BenchOptions,
  calibrate: () => Calibration,
): ModelResult {
  const figures = chosenFigures(groups);
  const measured: Round[] = [];
  while (measured.length < rounds) {
    const started = Date.now();
    measured.push(measureRound(measured.length, model, figures, settings, calibrate, batchedBench));
    const seconds = ((Date.now() - started) / 1000).toFixed(0);
    console.error(`${modelKey(model)}: round ${measured.length} of ${rounds}, ${seconds} s`);
  }
  const result = summarize(model, figures, measured, settings);
  if (result.machine.cpuShare.min < QUIET_CPU_SHARE)
    console.error(`${modelKey(model)}: other programs were running, do not trust these figures`);
  return result;
}

function resultOf({ settings }: BenchOptions, models: readonly ModelResult[]): BenchResult {
  const revision = execFileSync("git", ["describe", "--always", "--dirty"], { cwd: root, encoding: "utf8" });
  return {
    version: RESULT_VERSION,
    date: new Date().toISOString(),
    cpu: os.cpus()[0]?.model ?? "unknown",
    memoryBytes: os.totalmem(),
    platform: `${os.platform()} ${os.arch()}`,
    node: process.version,
    commit: revision.trim(),
    peer: PEER_NAME,
    settings,
    models: models.map((model) => withoutPlace(model)),
  };
}

/** Paths are this machine's alone. */
function withoutPlace(model: ModelResult): ModelResult {
  const relative = (files: ModelFiles) => ({ ...files, path: path.relative(root, files.path) });
  const [same, ...others] = model.peers;
  return { ...model, ours: relative(model.ours), peers: [relative(same), ...others.map(relative)] };
}
