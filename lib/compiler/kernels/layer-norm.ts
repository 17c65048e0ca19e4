import type { FfiObject } from "../../ffi/index.js";
import { Buffer } from "../ir/buffer.js";
import { float, type PrimExpr, variable } from "../ir/prim-expr.js";
import { primFunc } from "../ir/prim-func.js";
import type { Block } from "../ir/statement.js";
import { multiplyAdd, squareRoot } from "../ir/vector.js";
import { lanesFor, sumLanes } from "./lanes.js";

export interface LayerNormOptions {
  /** Width of a row. */
  readonly columns: number;
  /** Added to the variance. */
  readonly epsilon: number;
  /** Rows of a table of positions that is added before; absent: nothing is. */
  readonly positions?: number;
}

/**
 * Layer normalisation (arXiv 1607.06450), row by row: `(x - mean) / sqrt(variance + epsilon) * weight + bias`; with `positions` of
 * `x + table[positions]`.
 *
 * Parameters: x float32[n, columns]; with positions int32[n] and table float32[positions * columns]; weight, bias float32[columns];
 * output float32[n, columns]. The variance is that of the differences from the mean, so nothing cancels.
 */
export function layerNorm({ columns, epsilon, positions }: LayerNormOptions): FfiObject {
  const n = variable("n");
  const rows = (name: string) => new Buffer(name, [n, columns], "float32");
  const vector = (name: string, size: number) => new Buffer(name, [size], "float32");
  const [x, output] = [rows("x"), rows("output")];
  const [weight, bias] = [vector("weight", columns), vector("bias", columns)];
  const table = vector("table", (positions ?? 0) * columns);
  const places = new Buffer("positions", [n], "int32");
  const lanes = lanesFor(columns);
  const added = positions === undefined ? [] : [places, table];
  return primFunc([x, ...added, weight, bias, output], (body) => {
    body.parallel("i", n, (block, i) => {
      const start =
        positions === undefined ? undefined : block.bind("start", places.load(i).cast("int64").mul(columns));
      const load = (at: PrimExpr) => {
        const value = x.loadVector(lanes, i, at);
        return start === undefined ? value : value.add(table.loadVector(lanes, start.add(at)));
      };
      const mean = block.bind("mean", sumOf(block, columns, load).mul(1 / columns));
      const difference = (at: PrimExpr) => load(at).sub(mean.broadcast(lanes));
      const squares = sumOf(block, columns, difference, true);
      const root = squareRoot(squares.mul(1 / columns).add(epsilon));
      const factor = block.bind("factor", float(1).div(root));
      block.serial("j", columns / lanes, (inner, j) => {
        const at = j.mul(lanes);
        const scaled = difference(at).mul(factor.broadcast(lanes)).mul(weight.loadVector(lanes, at));
        inner.store(output, scaled.add(bias.loadVector(lanes, at)), i, at);
      });
    });
  });
}

/** Statements that add up a row, or its squares. */
function sumOf(block: Block, columns: number, load: (at: PrimExpr) => PrimExpr, squared = false): PrimExpr {
  const lanes = lanesFor(columns);
  const sums = block.local("sums", lanes);
  block.store(sums, float(0).broadcast(lanes), 0);
  block.serial("j", columns / lanes, (inner, j) => {
    const value = inner.bind("value", load(j.mul(lanes)));
    const sum = sums.loadVector(lanes, 0);
    inner.store(sums, squared ? multiplyAdd(value, value, sum) : sum.add(value), 0);
  });
  return sumLanes(block, sums.loadVector(lanes, 0));
}
