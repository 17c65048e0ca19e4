/** Calling TVM's global functions by name, and registering JavaScript functions under a name. */
import { MlcError } from "../errors.js";
import { native } from "./native.js";
import type { FfiArgument, FfiCallback, FfiFunction, FfiValue } from "./value.js";

/** Functions already looked up: the handle and its parsed type schema stay behind one native function per name. */
const bound = new Map<string, (...args: FfiArgument[]) => FfiValue>();

/** Calls a global function of TVM; arguments are converted by the function's type schema. */
// biome-ignore lint/suspicious/noExplicitAny: replaced by the generated signatures
export function call(name: string, ...args: FfiArgument[]): any {
  return (bound.get(name) ?? bind(name))(...args);
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
