/**
 * The regression guard: which ratio moved beyond noise between two result files.
 *
 * Ratios against the peer are compared, not absolute figures: both sides were measured in turns on the same machine, so its
 * mood cancels out. A ratio moved when the rounds' ratios of the two files do not overlap at all and their medians differ by
 * more than `SMALLEST_MOVE`. n and m values of equal programs are apart by chance once in C(n + m, n) / 2 times: use five rounds
 * or more where it matters.
 */
import { MlcError } from "../lib/errors.js";
import { type BenchResult, type FigureResult, type ModelResult, modelKey } from "./result.js";
import { combinations } from "./statistics.js";

/** Relative change of a median ratio below which nothing is said. */
export const SMALLEST_MOVE = 0.05;

/** Fewer rounds have no spread to speak of. */
export const LEAST_ROUNDS = 3;

/** One figure in both files. */
export interface Comparison {
  /** Model, scheme. */
  readonly model: string;
  readonly figure: string;
  /** Median ratios. */
  readonly before: number;
  readonly after: number;
  readonly verdict: "worse" | "better" | "same";
  /** Probability of another verdict than "same" for equal programs, at most. */
  readonly chance: number;
}

/**
 * Every figure that both files have. Errors: ERR_INVALID_ARGUMENT where the files were not measured alike (processor, threads,
 * settings), have too few rounds, or nothing in common.
 */
export function compareResults(before: BenchResult, after: BenchResult): Comparison[] {
  expectAlike("cpu", before.cpu, after.cpu);
  expectAlike("threads", before.settings.threads, after.settings.threads);
  expectAlike("decodeTokens", before.settings.decodeTokens, after.settings.decodeTokens);
  expectAlike("peer", before.peer, after.peer);
  const earlier = new Map(before.models.map((model) => [modelKey(model), model]));
  const comparisons = after.models.flatMap((model) => {
    const key = modelKey(model);
    const earlierModel = earlier.get(key);
    if (earlierModel !== undefined)
      expectAlike(`files of the peer for ${key}`, peerSchemes(earlierModel), peerSchemes(model));
    const old = new Map(earlierModel?.figures.map((figure) => [figure.figure, figure]));
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
  const byChance = comparisons.reduce((sum, { chance }) => sum + chance, 0);
  return [
    ...lines,
    `${moved.length} of ${comparisons.length} ratios moved beyond noise; chance alone moves up to ${byChance.toFixed(1)} of them.`,
  ].join("\n");
}

function compareFigure(model: string, before: FigureResult, after: FigureResult): Comparison {
  expectRounds(model, before);
  expectRounds(model, after);
  const [a, b] = [before.ratio.median, after.ratio.median];
  const apart = after.ratio.max < before.ratio.min || after.ratio.min > before.ratio.max;
  const moved = apart && Math.abs(b / a - 1) > SMALLEST_MOVE;
  return {
    model,
    figure: after.figure,
    before: a,
    after: b,
    verdict: !moved ? "same" : b < a ? "worse" : "better",
    chance: 2 / combinations(before.ratios.length + after.ratios.length, before.ratios.length),
  };
}

function peerSchemes({ peers }: ModelResult): string {
  return peers.map(({ scheme }) => scheme).join(", ");
}

function expectAlike(name: string, before: unknown, after: unknown): void {
  if (before === after) return;
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected results of the same ${name} but received ${JSON.stringify(before)} and ${JSON.stringify(after)}: measure the older revision again here.`,
  );
}

function expectRounds(model: string, { ratios }: FigureResult): void {
  if (ratios.length >= LEAST_ROUNDS) return;
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected at least ${LEAST_ROUNDS} rounds of ${model} in both results but received ${ratios.length}: measure with --rounds 5.`,
  );
}

function percent(share: number): string {
  return `${share > 0 ? "+" : ""}${(share * 100).toFixed(0)} %`;
}
