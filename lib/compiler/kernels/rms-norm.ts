import type { FfiObject } from "../../ffi/index.js";
import { Buffer } from "../ir/buffer.js";
import { type PrimExpr, variable } from "../ir/prim-expr.js";
import { primFunc } from "../ir/prim-func.js";
import { activationBuffer, quantizeRow } from "./activation-blocks.js";
import { normalizeRow, normedRow } from "./row-norm.js";

export interface RmsNormOptions {
  /** Width of a row. */
  readonly columns: number;
  /** Added to the mean square. */
  readonly epsilon: number;
  /** 1 for a kernel of a single row, without a parallel region; symbolic otherwise. */
  readonly tokens: 1 | "n";
  /** "int8": activation blocks (activation-blocks.ts) instead of float32; columns are a multiple of 32. Default "float32". */
  readonly output?: "float32" | "int8";
}

/**
 * Root mean square normalisation: `x / sqrt(mean(x^2) + epsilon) * weight`, row by row.
 *
 * Parameters: x float32[n, columns], weight float32[columns], output float32[n, columns] or int32[n, columns / 32, 12].
 */
export function rmsNorm({ columns, epsilon, tokens, output: form = "float32" }: RmsNormOptions): FfiObject {
  const n = tokens === 1 ? 1 : variable("n");
  const x = new Buffer("x", [n, columns], "float32");
  const weight = new Buffer("weight", [columns], "float32");
  const output =
    form === "int8" ? activationBuffer("output", n, columns) : new Buffer("output", [n, columns], "float32");
  return primFunc([x, weight, output], (body) => {
    body[tokens === 1 ? "serial" : "parallel"]("i", n, (block, i) => {
      const load = (lanes: number, at: PrimExpr) => x.loadVector(lanes, i, at);
      const row = { columns, epsilon, weight, load };
      if (form === "float32")
        normalizeRow(block, row, (inner, value, at) => inner.store(output, value, i, at));
      else quantizeRow(block, columns, normedRow(block, row), { buffer: output, row: i });
    });
  });
}
