/** Tensor programs for GPUs: sizes and indices of 32 bits, which take fewer instructions there. */
import type { FfiObject } from "../../../ffi/index.js";
import { Buffer } from "../../ir/buffer.js";
import { type ExprLike, type PrimExpr, variable } from "../../ir/prim-expr.js";
import { primFunc } from "../../ir/prim-func.js";
import type { Block } from "../../ir/statement.js";

export const INDEX = "int32";

/** A symbolic size. */
export function size(name: string): PrimExpr {
  return variable(name, INDEX);
}

/** A tensor parameter of below 2^31 elements. */
export function parameter(name: string, shape: readonly ExprLike[], dtype: string): Buffer {
  return new Buffer(name, shape, dtype, INDEX);
}

/** As `primFunc`. */
export function gpuProgram(
  parameters: readonly (Buffer | PrimExpr)[],
  fill: (body: Block) => void,
): FfiObject {
  return primFunc(parameters, fill, INDEX);
}
