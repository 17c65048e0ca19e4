import type { Buffer } from "../ir/buffer.js";
import { float, type PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { multiplyAdd, squareRoot } from "../ir/vector.js";
import { lanesFor, sumLanes } from "./lanes.js";

/** A row to normalise. */
export interface NormRow {
  readonly columns: number;
  readonly epsilon: number;
  /** float32[columns]. */
  readonly weight: Buffer;
  /** `lanes` values from column `at` on. */
  readonly load: (lanes: number, at: PrimExpr) => PrimExpr;
}

/** Statements that compute what `row / sqrt(mean(row^2) + epsilon) * weight` needs of the whole row; returns its `load`. */
export function normedRow(block: Block, { columns, epsilon, weight, load }: NormRow): NormRow["load"] {
  const lanes = lanesFor(columns);
  const squares = block.local("squares", lanes);
  block.store(squares, float(0).broadcast(lanes), 0);
  block.serial("j", columns / lanes, (inner, j) => {
    const value = inner.bind("value", load(lanes, j.mul(lanes)));
    inner.store(squares, multiplyAdd(value, value, squares.loadVector(lanes, 0)), 0);
  });
  const total = sumLanes(block, squares.loadVector(lanes, 0));
  const root = squareRoot(total.mul(1 / columns).add(epsilon));
  const factor = block.bind("factor", float(1).div(root));
  return (width, at) => load(width, at).mul(factor.broadcast(width)).mul(weight.loadVector(width, at));
}

/** Statements of `row / sqrt(mean(row^2) + epsilon) * weight`. */
export function normalizeRow(
  block: Block,
  row: NormRow,
  store: (block: Block, value: PrimExpr, at: PrimExpr) => void,
): void {
  const lanes = lanesFor(row.columns);
  const normed = normedRow(block, row);
  block.serial("j", row.columns / lanes, (inner, j) => {
    const at = j.mul(lanes);
    store(inner, normed(lanes, at), at);
  });
}
