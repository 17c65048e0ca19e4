// Relax expressions, as few as a decoder needs: variables, tuple fields, calls of kernels, strings.
import { call, type FfiObject } from "../../ffi/index.js";

/** A variable of a Relax function; `type` comes from relax-type.ts. */
export function relaxVar(name: string, type: FfiObject): FfiObject {
  return call("ir.Var", name, type, null);
}

/** Field `index` of a tuple value. */
export function tupleGetItem(tuple: FfiObject, index: number): FfiObject {
  return call("ir.TupleGetItem", tuple, index, null);
}

/** A constant string. */
export function stringConstant(value: string): FfiObject {
  return call("ir.StringImm", value, null);
}

/**
 * Calls a PrimFunc in destination-passing style: `kernel(...args, output)`, the output being allocated by the memory plan.
 * @param kernel the GlobalVar of the PrimFunc in the module being built.
 * @param outputType tensor type of the last parameter.
 */
export function callKernel(kernel: FfiObject, args: readonly FfiObject[], outputType: FfiObject): FfiObject {
  return call("relax.op.call_tir", kernel, call("ir.Tuple", [...args], null), [outputType]);
}
