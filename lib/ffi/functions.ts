/** Calling TVM's global functions by name, and registering JavaScript functions under a name. */
import { MlcError } from "../errors.js";
import type { GlobalFunctions } from "./global-functions.js";
import { native } from "./native.js";
import { checkSignatures } from "./signature-check.js";
import type { FfiArgument, FfiCallback, FfiFunction, FfiValue } from "./value.js";

checkSignatures("runtime");

/** Functions already looked up: the handle and its parsed type schema stay behind one native function per name. */
const bound = new Map<string, (...args: FfiArgument[]) => FfiValue>();

/**
 * Calls a global function of TVM. Arguments are converted by the function's type schema; their number and types are
 * those of the generated GlobalFunctions. TVM errors are MlcError ERR_NATIVE with details {kind, backtrace}.
 */
export function call<K extends keyof GlobalFunctions>(
  name: K,
  ...args: Parameters<GlobalFunctions[K]>
): ReturnType<GlobalFunctions[K]> {
  // The one place where a value from TVM gets its static type: the signatures are TVM's own, and their hash is checked.
  return (bound.get(name) ?? bind(name))(...(args as FfiArgument[])) as ReturnType<GlobalFunctions[K]>;
}

function bind(name: string): (...args: FfiArgument[]) => FfiValue {
  const fn = native.bindGlobalFunction(name);
  if (fn === undefined) {
    throw new MlcError(
      "ERR_RUNTIME_MISMATCH",
      `Expected a TVM function named "${name}" but there is none. ` +
        "Either the compiler library is not loaded (loadCompilerLibrary()), or this is another version of TVM.",
    );
  }
  bound.set(name, fn);
  return fn;
}

/** The named global function, or undefined. */
export function getGlobalFunction(name: string): FfiFunction | undefined {
  return native.getGlobalFunction(name);
}

/**
 * Makes `fn` a global function of this process. An existing name throws ERR_NATIVE unless `override` is true. A
 * JavaScript function keeps working only while its thread (main or worker) lives.
 */
export function registerGlobalFunction(name: string, fn: FfiCallback | FfiFunction, override = false): void {
  native.registerGlobalFunction(name, fn, override);
  bound.delete(name);
}
