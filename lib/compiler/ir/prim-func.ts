/** Tensor programs as functions that Relax can call. */
import { call, type FfiObject } from "../../ffi/index.js";
import { dictAttrs } from "./attributes.js";
import type { Buffer, IndexDtype } from "./buffer.js";
import type { PrimExpr } from "./prim-expr.js";
import { Block } from "./statement.js";

/**
 * A TIR function node (type key `tirx.PrimFunc`). Parameters stand in the order a caller passes them: inputs and scalars, then
 * the outputs. No two tensors of a call may overlap.
 * @param index type of loops and of the sizes and indices of memory.
 */
export function primFunc(
  parameters: readonly (Buffer | PrimExpr)[],
  fill: (body: Block) => void,
  index: IndexDtype = "int64",
): FfiObject {
  const body = new Block(index);
  fill(body);
  const attrs = dictAttrs({ "tirx.noalias": true, s_tir: true });
  const handles = parameters.map(({ handle }) => handle);
  const func = call("tirx.PrimFunc", handles, body.finish(), call("ir.TypeMissing"), attrs, null);
  // The root block that Relax's passes look for, with inferred reads and writes.
  return call("script.Complete", func, [], true);
}
