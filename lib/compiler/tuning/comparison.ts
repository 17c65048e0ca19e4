/** Which of two variants is faster, and by how much at least: from times of calls made in turns, on a machine that is never quiet. */

/** Times of calls that were made one right after the other, milliseconds: one of each variant for each kind of call. */
export interface Round {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** A gain below this is not worth a different program. */
const LEAST_GAIN = 0.02;
/** Standard errors of the median that a gain must exceed: less than one in a thousand equal variants passes for better. */
const STANDARD_ERRORS = 3;
/** The standard deviation of normal noise in median absolute deviations, and the standard error of a median in that of a mean. */
const DEVIATION = 1.4826;
const MEDIAN_ERROR = 1.2533;

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

/** Whether `after` is faster by more than the noise between the rounds explains. */
export function isFaster(rounds: readonly Round[]): boolean {
  const logs = rounds.map(logSpeedup);
  const middle = median(logs);
  const deviation = DEVIATION * median(logs.map((log) => Math.abs(log - middle)));
  const error = (MEDIAN_ERROR * deviation) / Math.sqrt(logs.length);
  return middle > Math.max(Math.log1p(LEAST_GAIN), STANDARD_ERRORS * error);
}

function logSpeedup({ before, after }: Round): number {
  const logs = before.map((time, kind) => Math.log(time / (after[kind] ?? Number.NaN)));
  return logs.reduce((sum, log) => sum + log, 0) / logs.length;
}
