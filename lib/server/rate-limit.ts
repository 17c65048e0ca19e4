/** Token buckets: what a key may use in a minute. */

const MINUTE_MS = 60_000;

/** Holds up to `perMinute` units and gets as many back in a minute. It may go below zero: what was used must be counted. */
export class TokenBucket {
  readonly #perMinute: number;
  readonly #now: () => number;
  #level: number;
  #at: number;

  constructor(perMinute: number, now: () => number = () => performance.now()) {
    this.#perMinute = perMinute;
    this.#now = now;
    this.#level = perMinute;
    this.#at = now();
  }

  /** Milliseconds until there are `units`; 0: there are. */
  waitMs(units: number): number {
    this.#fill();
    return Math.max(0, ((units - this.#level) / this.#perMinute) * MINUTE_MS);
  }

  /** Takes units, whether they are there or not. */
  take(units: number): void {
    this.#fill();
    this.#level -= units;
  }

  #fill(): void {
    const now = this.#now();
    this.#level = Math.min(this.#perMinute, this.#level + ((now - this.#at) / MINUTE_MS) * this.#perMinute);
    this.#at = now;
  }
}
