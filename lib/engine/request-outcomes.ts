/** How requests ended, counted. */
import { MlcError } from "../errors.js";
import type { GenerationEnd } from "./generation.js";

/** Ended requests since the load; each counts once. */
export interface OutcomeCounts {
  /** At a stop token or text, or at the token limit. */
  readonly finished: number;
  /** By their caller, or as the engine was disposed. */
  readonly aborted: number;
  /** By `timeoutMs` or `queueTimeoutMs`. */
  readonly timedOut: number;
  /** By any other error. */
  readonly failed: number;
}

const ABORTS: readonly string[] = ["ERR_ABORTED", "ERR_DISPOSED"];

/** How a request ended, as a name of `OutcomeCounts`. */
export function outcomeOf({ result, error }: GenerationEnd): keyof OutcomeCounts {
  if (result !== undefined) return result.finishReason === "abort" ? "aborted" : "finished";
  const code = error instanceof MlcError ? error.code : "";
  if (code === "ERR_TIMEOUT") return "timedOut";
  return ABORTS.includes(code) ? "aborted" : "failed";
}

/**
 * Counts ends where they are known: the native engine hears only "abort" of a deadline and of an answer that a stop text has
 * ended.
 */
export class RequestOutcomes {
  readonly #counts = { finished: 0, aborted: 0, timedOut: 0, failed: 0 };

  get counts(): OutcomeCounts {
    return { ...this.#counts };
  }

  add(end: GenerationEnd): void {
    this.#counts[outcomeOf(end)]++;
  }
}
