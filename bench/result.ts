/** The result file: what was measured, raw and summed up. */
import { readFileSync } from "node:fs";
import { MlcError } from "../lib/errors.js";
import type { Calibration } from "./calibration.js";
import { FIGURES, type Figure } from "./figures.js";
import type { ModelChoice, PreparedModel } from "./model-source.js";
import type { FigureValues, Side, WorkloadSettings } from "./peer-process.js";
import { median, type Spread, spread } from "./statistics.js";

/** Grows with every change that makes older files incomparable. */
export const RESULT_VERSION = 1;

/** What one process measured, with the machine's state right before and after it. */
export interface ProcessResult {
  readonly figures: FigureValues;
  readonly before: Calibration;
  readonly after: Calibration;
}

/** One round: every process of both sides. */
export type Round = Readonly<Record<Side, readonly ProcessResult[]>>;

/** A figure of a model over all rounds. */
export interface FigureResult {
  /** Id of the figure. */
  readonly figure: string;
  /** Over all repetitions of all rounds. */
  readonly ours: Spread;
  readonly peer: Spread;
  /** Of the rounds' ratios of medians; above 1 node-mlc is better, whichever way the figure goes. */
  readonly ratio: Spread;
  /** One a round, in order. */
  readonly ratios: readonly number[];
  /** Share of the limit (read bandwidth or int8 peak) that was measured around the very process, one a round. */
  readonly share?: { readonly of: "read" | "int8"; readonly ours: Spread; readonly peer: Spread };
}

/** Everything about one model. */
export interface ModelResult extends PreparedModel {
  readonly figures: readonly FigureResult[];
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

/** Sums up the rounds of a model. */
export function summarize(
  model: PreparedModel,
  figures: readonly Figure[],
  rounds: readonly Round[],
  settings: Pick<WorkloadSettings, "decodeTokens">,
): ModelResult {
  const processes = rounds.flatMap(({ ours, peer }) => [...ours, ...peer]);
  const states = processes.flatMap(({ before, after }) => [before, after]);
  const machine = (read: (state: Calibration) => number) => spread(states.map(read));
  return {
    ...model,
    figures: figures.map((figure) =>
      figure.measured === undefined
        ? sizeResult(figure, model, rounds.length)
        : measuredResult(figure, model, rounds, settings.decodeTokens),
    ),
    machine: {
      readGigabytesPerSecond: machine((state) => state.readGigabytesPerSecond),
      int8GigaopsPerSecond: machine((state) => state.int8GigaopsPerSecond),
      cpuShare: machine((state) => state.cpuShare),
    },
    rounds,
  };
}

function measuredResult(
  figure: Figure,
  model: PreparedModel,
  rounds: readonly Round[],
  decodeTokens: number,
): FigureResult {
  const measured = (side: Side) => rounds.map((round) => processOf(round[side], figure));
  const [ours, peer] = [measured("ours"), measured("peer")];
  const all = (processes: readonly ProcessResult[]) =>
    spread(processes.flatMap(({ figures }) => figures[figure.id] ?? []));
  const ratios = rounds.map((_, index) => {
    const [mine, theirs] = [ours[index], peer[index]].map((process) =>
      median(process?.figures[figure.id] ?? []),
    );
    return ratio(figure, mine ?? Number.NaN, theirs ?? Number.NaN);
  });
  const share = (side: Side, processes: readonly ProcessResult[]) =>
    spread(processes.map((process) => shareOfLimit(figure, model, side, process, decodeTokens)));
  const limit = limitOf(figure);
  return {
    figure: figure.id,
    ours: all(ours),
    peer: all(peer),
    ratio: spread(ratios),
    ratios,
    ...(limit === undefined
      ? {}
      : { share: { of: limit, ours: share("ours", ours), peer: share("peer", peer) } }),
  };
}

function sizeResult(figure: Figure, { ours, peer }: PreparedModel, rounds: number): FigureResult {
  const value = (bytes: number) => spread([bytes / 1e6]);
  const ratios = Array.from({ length: rounds }, () => ratio(figure, ours.bytes, peer.bytes));
  return {
    figure: figure.id,
    ours: value(ours.bytes),
    peer: value(peer.bytes),
    ratio: spread(ratios),
    ratios,
  };
}

function processOf(processes: readonly ProcessResult[], figure: Figure): ProcessResult {
  const found = processes.find(({ figures }) => figures[figure.id] !== undefined);
  if (found !== undefined) return found;
  throw new MlcError(
    "ERR_IO",
    `Expected the figure ${figure.id} of every round but a process did not report it.`,
  );
}

/** Above 1: ours is better. */
function ratio({ better }: Figure, ours: number, peer: number): number {
  return better === "more" ? ours / peer : peer / ours;
}

function limitOf(figure: Figure): "read" | "int8" | undefined {
  if (figure.decodeContext !== undefined) return "read";
  return figure.computeBound ? "int8" : undefined;
}

/**
 * What a rate takes of the machine's limit, the mean of before and after. A decoded token reads all weights, and keys and
 * values of the context; a prefilled one costs a multiplication and an addition with every weight of the layers.
 */
function shareOfLimit(
  figure: Figure,
  model: PreparedModel,
  side: Side,
  { figures, before, after }: ProcessResult,
  decodeTokens: number,
): number {
  const rate = median(figures[figure.id] ?? []);
  if (figure.decodeContext !== undefined) {
    const context = figure.decodeContext + decodeTokens / 2;
    const bytes = model[side].decodeBytes + context * model.cacheBytesPerToken;
    return (rate * bytes) / (((before.readGigabytesPerSecond + after.readGigabytesPerSecond) / 2) * 1e9);
  }
  const operations = 2 * model.layerParameters;
  return (rate * operations) / (((before.int8GigaopsPerSecond + after.int8GigaopsPerSecond) / 2) * 1e9);
}

/** The figures a run is asked for. */
export function chosenFigures(groups: readonly string[]): readonly Figure[] {
  return FIGURES.filter(({ group }) => groups.includes(group));
}

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
