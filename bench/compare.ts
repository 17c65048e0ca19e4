/**
 * The regression guard: which ratio moved beyond noise between two result files.
 *
 * Ratios against the peer are compared, not absolute figures: both sides were measured in turns on the same machine, so its
 * mood cancels out. A ratio moved when the rounds' ratios of the two files do not overlap at all and their medians differ by
 * more than `SMALLEST_MOVE`. That none of n and m values overlap happens by chance once in C(n + m, n) / 2 times: use five
 * rounds or more where it matters.
 */
import { MlcError } from "../lib/errors.js";
import { type BenchResult, type FigureResult, modelKey } from "./result.js";
import { combinations, median } from "./statistics.js";

/** Relative change of a median ratio below which nothing is said. */
export const SMALLEST_MOVE = 0.05;

/** One figure in both files. */
export interface Comparison {
  /** Model, scheme. */
  readonly model: string;
  readonly figure: string;
  /** Median ratios. */
  readonly before: number;
  readonly after: number;
  readonly verdict: "worse" | "better" | "same";
  /** How many such comparisons of equal programs give one verdict other than "same", at least. */
  readonly oneInTimes: number;
}

/**
 * Every figure that both files have. Errors: ERR_INVALID_ARGUMENT where the files were not measured alike (processor, threads, settings) or
 * have nothing in common.
 */
export function compareResults(before: BenchResult, after: BenchResult): Comparison[] {
  expectAlike("cpu", before.cpu, after.cpu);
  expectAlike("threads", before.settings.threads, after.settings.threads);
  expectAlike("decodeTokens", before.settings.decodeTokens, after.settings.decodeTokens);
  expectAlike("peer", before.peer, after.peer);
  const earlier = new Map(before.models.map((model) => [modelKey(model), model]));
  const comparisons = after.models.flatMap((model) => {
    const key = modelKey(model);
    const old = new Map(earlier.get(key)?.figures.map((figure) => [figure.figure, figure]));
    return model.figures.flatMap((figure) => {
      const other = old.get(figure.figure);
      return other === undefined ? [] : [compareFigure(key, other, figure)];
    });
  });
  if (comparisons.length > 0) return comparisons;
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    "Expected results with a model and a figure in common but received none: run the same models and figures.",
  );
}

/** Lines for people: what moved, and how sure that is. */
export function describeComparisons(comparisons: readonly Comparison[]): string {
  const moved = comparisons.filter(({ verdict }) => verdict !== "same");
  const lines = moved.map(
    ({ model, figure, before, after, verdict }) =>
      `${verdict}: ${model} ${figure}: ratio ${before.toFixed(2)} -> ${after.toFixed(2)} (${percent(after / before - 1)})`,
  );
  const chance = Math.min(...comparisons.map(({ oneInTimes }) => oneInTimes));
  return [
    ...lines,
    `${moved.length} of ${comparisons.length} ratios moved beyond noise (chance alone: up to one in ${chance}).`,
  ].join("\n");
}

function compareFigure(model: string, before: FigureResult, after: FigureResult): Comparison {
  const [a, b] = [median(before.ratios), median(after.ratios)];
  const apart = after.ratio.max < before.ratio.min || after.ratio.min > before.ratio.max;
  const moved = apart && Math.abs(b / a - 1) > SMALLEST_MOVE;
  return {
    model,
    figure: after.figure,
    before: a,
    after: b,
    verdict: !moved ? "same" : b < a ? "worse" : "better",
    oneInTimes: combinations(before.ratios.length + after.ratios.length, before.ratios.length) / 2,
  };
}

function expectAlike(name: string, before: unknown, after: unknown): void {
  if (before === after) return;
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected results of the same ${name} but received ${JSON.stringify(before)} and ${JSON.stringify(after)}: measure the older revision again here.`,
  );
}

function percent(share: number): string {
  return `${share > 0 ? "+" : ""}${(share * 100).toFixed(0)} %`;
}
