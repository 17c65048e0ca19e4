/** From the rounds of a model to its figures: spreads, ratios, shares of the machine's limits. */
import { MlcError } from "../lib/errors.js";
import type { Calibration } from "./calibration.js";
import type { Figure } from "./figures.js";
import type { ModelFiles, PreparedModel } from "./model-source.js";
import type { Side, WorkloadSettings } from "./peer-process.js";
import type { BatchedBenchResult, FigureResult, ModelResult, ProcessResult, Round } from "./result.js";
import { median, spread } from "./statistics.js";

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
    ...batchedBenchOf(figures, rounds),
    machine: {
      readGigabytesPerSecond: machine((state) => state.readGigabytesPerSecond),
      int8GigaopsPerSecond: machine((state) => state.int8GigaopsPerSecond),
      cpuShare: machine((state) => state.cpuShare),
    },
    rounds,
  };
}

/** Our figures of streams beside llama-batched-bench's of the same round; nothing where it was not given. */
function batchedBenchOf(
  figures: readonly Figure[],
  rounds: readonly Round[],
): Pick<ModelResult, "batchedBench"> {
  if (rounds.every(({ batchedBench }) => batchedBench === undefined)) return {};
  const batchedBench = figures
    .filter(({ group }) => group === "streams")
    .map((figure): BatchedBenchResult => {
      const rates = rounds.map((round) => median(round.batchedBench?.[figure.id] ?? []));
      const ratios = rounds.map(({ ours }, round) =>
        ratio(figure, medianOf(bestProcess(ours, figure), figure), rates[round] ?? Number.NaN),
      );
      return { figure: figure.id, rate: spread(rates), ratio: spread(ratios), ratios };
    });
  return { batchedBench };
}

function measuredResult(
  figure: Figure,
  model: PreparedModel,
  rounds: readonly Round[],
  decodeTokens: number,
): FigureResult {
  const measured = (side: Side) => rounds.map((round) => bestProcess(round[side], figure));
  const [ours, peer] = [measured("ours"), measured("peer")];
  const all = (processes: readonly ProcessResult[]) =>
    spread(processes.flatMap(({ figures }) => figures[figure.id] ?? []));
  const ratios = ours.map((mine, index) =>
    ratio(figure, medianOf(mine, figure), medianOf(peer[index] as ProcessResult, figure)),
  );
  const share = (files: readonly ModelFiles[], processes: readonly ProcessResult[]) =>
    spread(processes.map((process) => shareOfLimit(figure, model, files, process, decodeTokens)));
  const limit = limitOf(figure);
  return {
    figure: figure.id,
    ours: all(ours),
    peer: all(peer),
    ratio: spread(ratios),
    ratios,
    ...(limit === undefined
      ? {}
      : { share: { of: limit, ours: share([model.ours], ours), peer: share(model.peers, peer) } }),
  };
}

function sizeResult(figure: Figure, { ours, peers: [peer] }: PreparedModel, rounds: number): FigureResult {
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

/** The process whose median of the figure is best. */
function bestProcess(processes: readonly ProcessResult[], figure: Figure): ProcessResult {
  const [first, ...others] = processes.filter(({ figures }) => figures[figure.id] !== undefined);
  if (first === undefined)
    throw new MlcError(
      "ERR_IO",
      `Expected the figure ${figure.id} of every round but a process did not report it.`,
    );
  return others.reduce(
    (best, other) => (ratio(figure, medianOf(other, figure), medianOf(best, figure)) > 1 ? other : best),
    first,
  );
}

function medianOf({ figures }: ProcessResult, figure: Figure): number {
  return median(figures[figure.id] ?? []);
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
  files: readonly ModelFiles[],
  { scheme, figures, before, after }: ProcessResult,
  decodeTokens: number,
): number {
  const rate = median(figures[figure.id] ?? []);
  if (figure.decodeContext !== undefined) {
    const context = figure.decodeContext + decodeTokens / 2;
    const weights = files.find((one) => one.scheme === scheme)?.decodeBytes ?? Number.NaN;
    const bytes = weights + context * model.cacheBytesPerToken;
    return (rate * bytes) / (((before.readGigabytesPerSecond + after.readGigabytesPerSecond) / 2) * 1e9);
  }
  const operations = 2 * model.layerParameters;
  return (rate * operations) / (((before.int8GigaopsPerSecond + after.int8GigaopsPerSecond) / 2) * 1e9);
}
