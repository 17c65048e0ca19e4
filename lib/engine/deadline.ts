/** Time limits of one request: the time it may wait, and the time it may take in all. */
import { MlcError } from "../errors.js";
import type { NativeEngine } from "../ffi/native-engine.js";
import { expectInteger } from "./expectation.js";
import type { Generation } from "./generation.js";

/** Time limits as a caller gives them. */
export interface DeadlineOptions {
  /** Most milliseconds from the call to the end; then the request ends with ERR_TIMEOUT. Default: no limit. */
  timeoutMs?: number | undefined;
  /** Most milliseconds from the call to the first step that computes a part of the request. Default: no limit. */
  queueTimeoutMs?: number | undefined;
}

/** The names of `DeadlineOptions`, for refusing others. */
export const DEADLINE_OPTION_NAMES = [
  "timeoutMs",
  "queueTimeoutMs",
] as const satisfies readonly (keyof DeadlineOptions)[];

/** The longest delay of a timer in Node: some 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

/** Checks time limits. Errors: ERR_INVALID_ARGUMENT naming the option. */
export function resolveDeadlines({ timeoutMs, queueTimeoutMs }: DeadlineOptions): DeadlineOptions {
  const check = (name: string, value: number | undefined) =>
    value === undefined ? undefined : expectInteger(name, value, 1, LONGEST_MS);
  return {
    timeoutMs: check("timeoutMs", timeoutMs),
    queueTimeoutMs: check("queueTimeoutMs", queueTimeoutMs),
  };
}

/** A request as its time limits see it. */
export interface TimedRequest {
  readonly id: number;
  readonly generation: Pick<Generation, "fail" | "failOnAbort">;
  readonly native: Pick<NativeEngine, "abort" | "abortIfQueued">;
}

/** Watches over one request from now on; call the result when it has ended. */
export function startDeadlines(request: TimedRequest, limits: DeadlineOptions): () => void {
  const { id, generation, native } = request;
  const { timeoutMs, queueTimeoutMs } = limits;
  const timers: NodeJS.Timeout[] = [];
  if (timeoutMs !== undefined) {
    const expire = (): void => {
      native.abort(id);
      generation.fail(timeoutError("timeoutMs", timeoutMs, "the whole request"));
    };
    timers.push(setTimeout(expire, timeoutMs));
  }
  if (queueTimeoutMs !== undefined) {
    // Only the engine's thread knows whether the request has started: this thread may hear of it late.
    const expire = (): void => {
      generation.failOnAbort(() => timeoutError("queueTimeoutMs", queueTimeoutMs, "its first step"));
      native.abortIfQueued(id);
    };
    timers.push(setTimeout(expire, queueTimeoutMs));
  }
  return () => {
    for (const timer of timers) clearTimeout(timer);
  };
}

/** ERR_TIMEOUT of a time limit. */
export function timeoutError(option: keyof DeadlineOptions, ms: number, what: string): MlcError {
  return new MlcError(
    "ERR_TIMEOUT",
    `Expected ${what} within ${ms} ms (${option}) but it took longer: raise ${option}, or send fewer or shorter requests at a time.`,
    { details: { option, ms } },
  );
}
