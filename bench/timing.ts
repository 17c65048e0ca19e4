/** The median time of one call in milliseconds, after one call that is not timed. */
export function medianMilliseconds(repetitions: number, run: () => void): number {
  run();
  const times = Array.from({ length: repetitions }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[Math.floor(repetitions / 2)] ?? Number.NaN;
}
