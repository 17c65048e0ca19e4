/** Which requests an engine takes in: those its batch holds and a bounded queue behind it. */
import { MlcError } from "../errors.js";

/** Requests that may wait behind a full batch unless `maxQueue` says otherwise. */
export const DEFAULT_MAX_QUEUE = 512;

/** What a refused caller is told to wait while no request has ended yet. */
const FIRST_GUESS_MS = 1000;
const LONGEST_GUESS_MS = 60_000;
/** Weight of the newest interval in the mean. */
const SMOOTHING = 0.2;

/** Counts requests in and out; refuses those beyond the batch and its queue. */
export class Admission {
  readonly #maxBatch: number;
  readonly #maxQueue: number;
  readonly #now: () => number;
  /** Mean time between the ends of two requests while there was work. */
  #intervalMs: number | undefined;
  /** The last end, or the first request after a rest. */
  #since = 0;
  #refused = 0;

  constructor(maxBatch: number, maxQueue: number, now: () => number = () => performance.now()) {
    this.#maxBatch = maxBatch;
    this.#maxQueue = maxQueue;
    this.#now = now;
  }

  /** Requests refused so far. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * Takes in one more request beside `open` unfinished ones.
   * Errors: ERR_ENGINE_OVERLOADED with `details.retryAfterMs`, the time in which one request has ended of late.
   */
  admit(open: number): void {
    if (open === 0) this.#since = this.#now();
    if (open < this.#maxBatch + this.#maxQueue) return;
    this.#refused++;
    const retryAfterMs = this.#retryAfterMs();
    throw new MlcError(
      "ERR_ENGINE_OVERLOADED",
      `Expected at most ${this.#maxBatch + this.#maxQueue} unfinished requests (${this.#maxBatch} of the batch and ${this.#maxQueue} in its queue) but there are ${open} already: try again in ${retryAfterMs} ms, or load the engine with a larger maxQueue.`,
      { details: { retryAfterMs, open, maxBatch: this.#maxBatch, maxQueue: this.#maxQueue } },
    );
  }

  /** A request has ended, in any way. */
  ended(): void {
    const now = this.#now();
    const interval = now - this.#since;
    this.#since = now;
    this.#intervalMs =
      this.#intervalMs === undefined
        ? interval
        : this.#intervalMs + SMOOTHING * (interval - this.#intervalMs);
  }

  #retryAfterMs(): number {
    const guess = this.#intervalMs ?? Math.max(FIRST_GUESS_MS, this.#now() - this.#since);
    return Math.min(LONGEST_GUESS_MS, Math.max(1, Math.ceil(guess)));
  }
}
