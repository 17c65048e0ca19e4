/** Where an engine's native side lives. */
import { MlcError } from "../errors.js";
import type { NativeEngine } from "../ffi/native-engine.js";
import { IsolatedEngine } from "../isolation/isolated-engine.js";
import { isolatedRuntime } from "../isolation/isolated-runtime.js";
import { unexpected } from "./expectation.js";
import { type NativeRuntime, nativeRuntime } from "./native-runtime.js";

/** In this thread's process, in a worker thread, or in a child process. */
export type Isolation = "none" | "worker" | "process";

/** Hears of the end of a worker thread or process that nobody asked for. */
export type CrashListener = (error: MlcError) => void;

/** Errors: ERR_INVALID_ARGUMENT. */
export function expectIsolation(isolation: unknown): Isolation {
  if (isolation === "none" || isolation === "worker" || isolation === "process") return isolation;
  throw unexpected("isolation", '"none", "worker" or "process"', isolation);
}

/** Errors: ERR_INVALID_ARGUMENT. */
export function expectCrashListener(onCrash: unknown): void {
  if (onCrash !== undefined && typeof onCrash !== "function")
    throw unexpected("onCrash", "a function", onCrash);
}

/** The native side; of an isolated one `onCrash` hears of crashes, an error of its own is an uncaught one. */
export function runtimeOf(isolation: Isolation, onCrash: CrashListener | undefined): Promise<NativeRuntime> {
  if (isolation === "none") return nativeRuntime();
  return isolatedRuntime(isolation, (error) => {
    if (onCrash !== undefined) queueMicrotask(() => onCrash(error));
  });
}

/** Why an isolated engine ended by itself; undefined while it runs, and for one in this process. */
export function crashOf(native: NativeEngine): MlcError | undefined {
  return native instanceof IsolatedEngine ? native.crash : undefined;
}

/** Errors: ERR_UNSUPPORTED_FIELD for an engine in this process; those of IsolatedEngine.restart. */
export async function restart(native: NativeEngine): Promise<void> {
  if (native instanceof IsolatedEngine) return native.restart();
  throw new MlcError(
    "ERR_UNSUPPORTED_FIELD",
    'Expected an engine loaded with isolation "worker" or "process" to restart but this one lives in this process: dispose of it and load it again.',
    { details: { field: "isolation" } },
  );
}
