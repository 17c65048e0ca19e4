/** Reading the pairs of a bf16 weight (lib/package/weight-format.ts): two consecutive columns of a row in 32 bits. */
import type { Buffer } from "../ir/buffer.js";
import { withLanes } from "../ir/dtype.js";
import { asExpr, type ExprLike, type PrimExpr } from "../ir/prim-expr.js";
import { bitAnd, reinterpret, shiftLeft } from "../ir/vector.js";

const PAIR_BYTES = 4;
/** The upper half of 32 bits, as an int32. */
const UPPER_HALF = -65536;

/** Pairs of `lanes` consecutive rows of a row block, int32 lanes. */
export function bfloatPairs(
  weight: Buffer,
  rowBlock: PrimExpr,
  pair: PrimExpr,
  firstRow: ExprLike,
  lanes: number,
): PrimExpr {
  const at = asExpr(firstRow, "int64").mul(PAIR_BYTES);
  return reinterpret(weight.loadVector(lanes * PAIR_BYTES, rowBlock, pair, at), withLanes("int32", lanes));
}

/** The two columns of pairs as float32: a bfloat16 is the upper half of one. */
export function unpackPair(pairs: PrimExpr): [PrimExpr, PrimExpr] {
  const floats = withLanes("float32", pairs.lanes);
  return [reinterpret(shiftLeft(pairs, 16), floats), reinterpret(bitAnd(pairs, UPPER_HALF), floats)];
}
