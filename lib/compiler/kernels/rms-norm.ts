import type { FfiObject } from "../../ffi/index.js";
import { Buffer } from "../ir/buffer.js";
import { variable } from "../ir/prim-expr.js";
import { primFunc } from "../ir/prim-func.js";
import { normalizeRow } from "./row-norm.js";

export interface RmsNormOptions {
  /** Width of a row. */
  readonly columns: number;
  /** Added to the mean square. */
  readonly epsilon: number;
  /** 1 for a kernel of a single row, without a parallel region; symbolic otherwise. */
  readonly tokens: 1 | "n";
}

/**
 * Root mean square normalisation: `x / sqrt(mean(x^2) + epsilon) * weight`, row by row.
 *
 * Parameters: x float32[n, columns], weight float32[columns], output float32[n, columns].
 */
export function rmsNorm({ columns, epsilon, tokens }: RmsNormOptions): FfiObject {
  const n = tokens === 1 ? 1 : variable("n");
  const x = new Buffer("x", [n, columns], "float32");
  const weight = new Buffer("weight", [columns], "float32");
  const output = new Buffer("output", [n, columns], "float32");
  return primFunc([x, weight, output], (body) => {
    body[tokens === 1 ? "serial" : "parallel"]("i", n, (block, i) =>
      normalizeRow(
        block,
        { columns, epsilon, weight, load: (lanes, at) => x.loadVector(lanes, i, at) },
        (inner, value, at) => inner.store(output, value, i, at),
      ),
    );
  });
}
