/** A run of tools that tells what happens while it happens. */
import { MlcError } from "../errors.js";
import type { ToolRun, ToolRunEvent } from "./tool-runner.js";

/** Makes the events of a run; the run itself comes at the end. */
export type ToolRunEvents = (signal: AbortSignal) => AsyncGenerator<ToolRunEvent, ToolRun, undefined>;

/**
 * The events of a run, for one loop. The run goes on as they are taken: nothing piles up. A loop that is left ends the run, and so do
 * `abort()` and the signal; then the loop throws ERR_ABORTED.
 */
export class ToolRunStream implements AsyncIterable<ToolRunEvent>, AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #events: AsyncGenerator<ToolRunEvent, void, undefined>;
  readonly #run: Promise<ToolRun>;
  #begun = false;

  /** Use ChatCompletions.runTools. */
  constructor(events: ToolRunEvents, signal: AbortSignal | undefined) {
    const signals = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    let made: AsyncGenerator<ToolRunEvent, void, undefined> | undefined;
    this.#run = new Promise((resolve, reject) => {
      made = told(events(signals), resolve, reject);
    });
    this.#events = made as AsyncGenerator<ToolRunEvent, void, undefined>;
    // Whoever asks for it hears of an error; nobody has to.
    this.#run.catch(() => undefined);
  }

  /** The events; for one loop. */
  [Symbol.asyncIterator](): AsyncGenerator<ToolRunEvent, void, undefined> {
    this.#begun = true;
    return this.#events;
  }

  /** The run when it has ended; where no loop takes the events, they are passed over. Errors: those of `runTools`. */
  final(): Promise<ToolRun> {
    if (!this.#begun) void this.#passOver();
    return this.#run;
  }

  /** Ends the run: what the model says, and by their signal the handlers. */
  abort(): void {
    this.#stop.abort();
  }

  /** As `abort()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
    await this.#events.return();
  }

  async #passOver(): Promise<void> {
    try {
      for await (const _ of this);
    } catch {
      // final() tells it.
    }
  }
}

/** Passes events on, and their end to whom it is promised. */
async function* told(
  events: AsyncGenerator<ToolRunEvent, ToolRun, undefined>,
  resolve: (run: ToolRun) => void,
  reject: (error: unknown) => void,
): AsyncGenerator<ToolRunEvent, void, undefined> {
  try {
    resolve(yield* events);
  } catch (error) {
    reject(error);
    throw error;
  } finally {
    // After an end or an error this changes nothing.
    reject(new MlcError("ERR_ABORTED", "The run of tools was ended before its last answer."));
  }
}
