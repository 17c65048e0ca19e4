/** Progress bars on standard error, only where a person sees it (a terminal). */
import cliProgress from "cli-progress";

/** One bar that follows a work of several phases. */
export class Progress {
  #bar: cliProgress.SingleBar | undefined;
  #phase = "";

  /** Shows `done` of `total` of a phase; a new phase begins a new bar. */
  update(phase: string, done: number, total: number): void {
    if (process.stderr.isTTY !== true) return;
    if (this.#bar === undefined || phase !== this.#phase) this.#begin(phase, total);
    this.#bar?.setTotal(Math.max(total, 1));
    this.#bar?.update(total === 0 ? 0 : done);
  }

  /** Takes the bar away. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #begin(phase: string, total: number): void {
    this.stop();
    this.#phase = phase;
    this.#bar = new cliProgress.SingleBar(
      {
        format: `${phase.padEnd(12)} {bar} {percentage}% {duration_formatted}`,
        stream: process.stderr,
        clearOnComplete: true,
        hideCursor: true,
        etaBuffer: 1,
      },
      cliProgress.Presets.shades_classic,
    );
    this.#bar.start(Math.max(total, 1), 0);
  }
}
