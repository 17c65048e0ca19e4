// Relax types: what a variable of a compiled function is at run time.
import { call, type FfiObject } from "../../ffi/index.js";

/** A dimension: a constant or a symbolic int64 variable made by `sizeVar`. */
export type Dimension = number | FfiObject;

/** A symbolic size, bound at run time by the shapes of the arguments. */
export function sizeVar(name: string): FfiObject {
  return call("ir.Var", name, call("ir.PrimType", "int64"), null);
}

/** A tensor of `shape` on the target's device. */
export function tensorType(shape: readonly Dimension[], dtype: string): FfiObject {
  return call("relax.TensorType", shapeExpr(shape), call("ir.PrimType", dtype), -1, null, null);
}

/** A tuple with one type a field. */
export function tupleType(fields: readonly FfiObject[]): FfiObject {
  return call("ir.TupleType", [...fields], null);
}

/** A shape value of int64 dimensions. */
export function shapeExpr(shape: readonly Dimension[]): FfiObject {
  const dimensions = shape.map((size) =>
    typeof size === "number" ? call("ir.IntImm", "int64", size, null) : size,
  );
  return call("relax.ShapeExpr", dimensions, null);
}
