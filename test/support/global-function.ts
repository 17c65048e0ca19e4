import { type FfiFunction, getGlobalFunction } from "../../lib/ffi/index.js";

/** The named global function of TVM; throws where it is missing. */
export function globalFunction(name: string): FfiFunction {
  const found = getGlobalFunction(name);
  if (found === undefined) throw new Error(`Expected a TVM function named ${name}.`);
  return found;
}
