/** Which of two variants is faster, and by how much at least: from times of calls made in turns, on a machine that is never quiet. */

/** Times of calls that were made one right after the other, milliseconds: one of each variant for each kind of call. */
export interface Round {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** A gain below this is not worth a different program. */
const LEAST_GAIN = 0.02;
/** Standard deviations, of how often the better of two equals wins, beyond which it is no chance: less than one in ten thousand. */
const DEVIATIONS = 3.8;

/** The middle value; of an even number of them, the mean of the middle two. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? Number.NaN)) / 2;
}

/** How many times faster `after` is, by the medians of the rounds; the kinds of calls count alike. */
export function speedup(rounds: readonly Round[]): number {
  return Math.exp(median(rounds.map(logSpeedup)));
}

/** The same for each kind of call. */
export function speedups(rounds: readonly Round[]): number[] {
  const kinds = rounds[0]?.before.length ?? 0;
  return Array.from({ length: kinds }, (_, kind) =>
    speedup(rounds.map(({ before, after }) => ({ before: [before[kind] ?? 0], after: [after[kind] ?? 0] }))),
  );
}

/** Whether `after` seems faster by enough to matter. */
export function isWorthwhile(rounds: readonly Round[]): boolean {
  return speedup(rounds) > 1 + LEAST_GAIN;
}

/**
 * Whether `after` is faster by enough to matter, in more rounds than chance explains (a sign test: it asks nothing of how the noise is
 * distributed, and what disturbs a round counts once).
 */
export function isFaster(rounds: readonly Round[]): boolean {
  const wins = rounds.filter((round) => logSpeedup(round) > 0).length;
  const beyondHalf = wins - rounds.length / 2;
  return isWorthwhile(rounds) && beyondHalf > DEVIATIONS * (Math.sqrt(rounds.length) / 2);
}

function logSpeedup({ before, after }: Round): number {
  const logs = before.map((time, kind) => Math.log(time / (after[kind] ?? Number.NaN)));
  return logs.reduce((sum, log) => sum + log, 0) / logs.length;
}
