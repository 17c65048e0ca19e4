/** Vector lengths. Kernels work in vectors of 16 float32; sizes that 16 does not divide take shorter ones. */
import type { PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { lanesOf } from "../ir/vector.js";

/** float32 lanes of a full vector: one AVX-512 register, two of AVX2, four of NEON. */
export const LANES = 16;

/** The longest vector (a power of two up to 16) of which `size` is a multiple. */
export function lanesFor(size: number): number {
  let lanes = LANES;
  while (size % lanes !== 0) lanes /= 2;
  return lanes;
}

/** The sum of all lanes, added in halves: the same tree for every caller. */
export function sumLanes(block: Block, vector: PrimExpr): PrimExpr {
  return reduceLanes(block, vector, (a, b) => a.add(b));
}

/** The largest lane. */
export function maxLanes(block: Block, vector: PrimExpr): PrimExpr {
  return reduceLanes(block, vector, (a, b) => a.max(b));
}

function reduceLanes(
  block: Block,
  vector: PrimExpr,
  combine: (a: PrimExpr, b: PrimExpr) => PrimExpr,
): PrimExpr {
  let current = block.bind("lanes", vector);
  while (current.lanes > 1) {
    const half = current.lanes / 2;
    current = block.bind("lanes", combine(lanesOf(current, 0, half), lanesOf(current, half, half)));
  }
  return current;
}
