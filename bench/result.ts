/** The result file: what was measured, raw and summed up. */
import { readFileSync } from "node:fs";
import { MlcError } from "../lib/errors.js";
import type { Calibration } from "./calibration.js";
import type { ModelChoice, PreparedModel, Scheme } from "./model-source.js";
import type { FigureValues, Side, WorkloadSettings } from "./peer-process.js";
import type { Spread } from "./statistics.js";

/** Grows with every change that makes older files incomparable. */
export const RESULT_VERSION = 1;

/** What one process measured, with the machine's state right before and after it. */
export interface ProcessResult {
  /** What it read. */
  readonly scheme: Scheme;
  readonly figures: FigureValues;
  readonly before: Calibration;
  readonly after: Calibration;
}

/** One round: every process of both sides; the peer may have several of a kind, one a scheme. */
export interface Round extends Readonly<Record<Side, readonly ProcessResult[]>> {
  /** Total rates of llama-batched-bench, where it was given. */
  readonly batchedBench?: FigureValues;
}

/** A figure of a model over all rounds. */
export interface FigureResult {
  /** Id of the figure. */
  readonly figure: string;
  /** Over all repetitions of all rounds; the peer's are of its best scheme of each round. */
  readonly ours: Spread;
  readonly peer: Spread;
  /** Of the rounds' ratios of medians; above 1 node-mlc is better, whichever way the figure goes. */
  readonly ratio: Spread;
  /** One a round, in order. */
  readonly ratios: readonly number[];
  /** Share of the limit (read bandwidth or int8 peak) that was measured around the very process, one a round. */
  readonly share?: { readonly of: "read" | "int8"; readonly ours: Spread; readonly peer: Spread };
}

/** Total rates of llama-batched-bench beside ours. */
export interface BatchedBenchResult {
  /** Id of our figure: `streams_8`. */
  readonly figure: string;
  /** Decoded tokens/s of all sequences together, over the rounds. */
  readonly rate: Spread;
  /** Our median by its rate, over the rounds; above 1 node-mlc is better. */
  readonly ratio: Spread;
  /** One a round, in order. */
  readonly ratios: readonly number[];
}

/** Everything about one model. */
export interface ModelResult extends PreparedModel {
  readonly figures: readonly FigureResult[];
  /** Absent where llama-batched-bench was not given. */
  readonly batchedBench?: readonly BatchedBenchResult[];
  /** Measured between the processes. */
  readonly machine: {
    readonly readGigabytesPerSecond: Spread;
    readonly int8GigaopsPerSecond: Spread;
    readonly cpuShare: Spread;
  };
  readonly rounds: readonly Round[];
}

/** A whole run. */
export interface BenchResult {
  readonly version: number;
  /** ISO 8601. */
  readonly date: string;
  readonly cpu: string;
  readonly memoryBytes: number;
  readonly platform: string;
  readonly node: string;
  readonly commit: string;
  readonly peer: string;
  readonly settings: WorkloadSettings;
  readonly models: readonly ModelResult[];
}

/** Name of a model and its scheme. */
export const modelKey = ({ model, scheme }: ModelChoice): string => `${model} ${scheme}`;

/** Reads a result file. Errors: ERR_IO, ERR_UNSUPPORTED_FORMAT for another version. */
export function readResult(file: string): BenchResult {
  let result: Partial<BenchResult>;
  try {
    result = JSON.parse(readFileSync(file, "utf8")) as Partial<BenchResult>;
  } catch (cause) {
    throw new MlcError("ERR_IO", `Expected a benchmark result in ${file} but it cannot be read.`, { cause });
  }
  if (result.version !== RESULT_VERSION)
    throw new MlcError(
      "ERR_UNSUPPORTED_FORMAT",
      `Expected a benchmark result of version ${RESULT_VERSION} in ${file} but received version ${result.version}: run the benchmark again.`,
    );
  return result as BenchResult;
}
