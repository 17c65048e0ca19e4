/**
 * Tensor expressions (TVM's TE): a tensor as a formula of its indices. TVM makes the loops, as blocks that its schedules and fusion
 * understand. For element-wise programs and reductions; what needs its own loops is written with `Block` (statement.ts).
 */
import { MlcError } from "../../errors.js";
import { call, type FfiObject } from "../../ffi/index.js";
import { type ExprLike, float, int, PrimExpr, variable } from "./prim-expr.js";

/** TVM's iteration kinds: an axis of the result, and one that is reduced over. */
const SPATIAL = 0;
const REDUCTION = 2;

/** A tensor of a program: an input or a formula. */
export class TensorExpression {
  readonly handle: FfiObject;
  /** Number of dimensions. */
  readonly rank: number;
  readonly dtype: string;

  constructor(handle: FfiObject, rank: number, dtype: string) {
    this.handle = handle;
    this.rank = rank;
    this.dtype = dtype;
  }

  /** The element at these indices. Errors: ERR_COMPILE for another number of indices. */
  at(...indices: readonly ExprLike[]): PrimExpr {
    if (indices.length !== this.rank)
      throw new MlcError("ERR_COMPILE", `Expected ${this.rank} indices but received ${indices.length}.`);
    const handles = indices.map((index) => asIndex(index).handle);
    return new PrimExpr(call("te.TensorLoad", this.handle, handles), this.dtype);
  }
}

/** An axis that `sum` and `max` reduce over; `index` stands for it in the reduced formula. */
export interface ReductionAxis {
  readonly index: PrimExpr;
  readonly handle: FfiObject;
}

/** An input of a program. Sizes are constant or symbolic int64. */
export function placeholder(name: string, shape: readonly ExprLike[], dtype: string): TensorExpression {
  const sizes = shape.map((size) => asIndex(size).handle);
  const handle = call("te.Placeholder", sizes, call("ir.PrimType", dtype), name);
  return new TensorExpression(handle, shape.length, dtype);
}

/** The tensor whose element at `indices` is `formula(...indices)`. */
export function compute(
  name: string,
  shape: readonly ExprLike[],
  formula: (...indices: PrimExpr[]) => PrimExpr,
): TensorExpression {
  const axes = shape.map((size, axis) => iterationAxis(`i${axis}`, size, SPATIAL));
  const value = formula(...axes.map(({ index }) => index));
  const handles = axes.map(({ handle }) => handle);
  const operation = call("te.ComputeOp", name, "", null, handles, [value.handle]);
  return new TensorExpression(call("te.OpGetOutput", operation, 0), shape.length, value.dtype);
}

/** An axis of `extent` steps to reduce over. */
export function reductionAxis(name: string, extent: ExprLike): ReductionAxis {
  return iterationAxis(name, extent, REDUCTION);
}

/** Sum of a formula over the axes; must be the whole formula of a `compute`. */
export function sum(value: PrimExpr, axes: readonly ReductionAxis[]): PrimExpr {
  const zero = value.element.startsWith("float") ? float(0, value.dtype) : int(0, value.dtype);
  return reduce(value, axes, (left, right) => left.add(right), zero);
}

/** Largest value of a formula over the axes; must be the whole formula of a `compute`. */
export function max(value: PrimExpr, axes: readonly ReductionAxis[]): PrimExpr {
  const lowest = new PrimExpr(call("prim.min_value", call("ir.PrimType", value.dtype), null), value.dtype);
  return reduce(value, axes, (left, right) => left.max(right), lowest);
}

/**
 * The TIR function of a program: parameters are `tensors` in this order, inputs first, results last. Intermediate tensors are
 * allocated inside.
 */
export function tensorProgram(tensors: readonly TensorExpression[]): FfiObject {
  const handles = tensors.map(({ handle }) => handle);
  const func = call("te.CreatePrimFunc", handles, null) as FfiObject;
  // TE calls every function "main"; the module that takes it in gives it its name.
  return call("ir.BaseFuncWithoutAttr", func, "global_symbol");
}

function iterationAxis(name: string, extent: ExprLike, kind: number): ReductionAxis {
  const index = variable(name);
  const range = call("ir.Range_from_min_extent", int(0).handle, asIndex(extent).handle, null);
  return { index, handle: call("tirx.IterVar", range, index.handle, kind, "", null) };
}

function reduce(
  value: PrimExpr,
  axes: readonly ReductionAxis[],
  combine: (left: PrimExpr, right: PrimExpr) => PrimExpr,
  identity: PrimExpr,
): PrimExpr {
  const [left, right] = [variable("left", value.dtype), variable("right", value.dtype)];
  const combined = combine(left, right);
  const reducer = call(
    "te.CommReducer",
    [left.handle],
    [right.handle],
    [combined.handle],
    [identity.handle],
    null,
  );
  const handles = axes.map(({ handle }) => handle);
  const always = int(1, "bool").handle;
  return new PrimExpr(call("te.Reduce", reducer, [value.handle], handles, always, 0, [], null), value.dtype);
}

function asIndex(value: ExprLike): PrimExpr {
  return typeof value === "number" ? int(value) : value;
}
