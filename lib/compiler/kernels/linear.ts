import type { FfiObject } from "../../ffi/index.js";
import { asExpr } from "../ir/prim-expr.js";
import { primFunc } from "../ir/prim-func.js";
import type { Block } from "../ir/statement.js";
import { bfloatProduct } from "./bfloat-product.js";
import { matrixMatrix } from "./gemm.js";
import { matrixVector } from "./gemv.js";
import { integerProduct } from "./integer-product.js";
import { type LinearOptions, linearBuffers, linearParameters } from "./linear-options.js";

/**
 * Matrix product with packed weights: `x · concat(weights)ᵀ`, with bias, residual or gate in the same kernel.
 *
 * Parameters: x float32[n, columns]; the segments' weights (packed [rows, columns]); with `bias` the segments' biases
 * float32[rows]; with "residual" the residual float32[n, outputs]; output float32[n, outputs]. `outputs` is the sum of the
 * segments' rows, for "silu-mul" half of it. With `dot`, x and output may be activation blocks (activation-blocks.ts), and
 * the norm's weight float32[columns] follows x for the input "norm".
 *
 * Sums are float32: over the columns in order, one fused multiply-add each; with `dot`, over the groups of 32 columns in order, the
 * sum of a group being an exact integer; with `bfloatDot`, over the pairs of columns in order. One token and many are added alike: a
 * row's outputs have the same bits however many rows are computed with it. Throws ERR_INVALID_ARGUMENT for segments that do not fit
 * the epilogue or the form.
 */
export function linear(options: LinearOptions): FfiObject {
  const buffers = linearBuffers(options);
  const { columns, tokens, vectorBits = 512 } = options;
  return primFunc(linearParameters(buffers), (body) => {
    if (options.dot !== undefined) {
      integerProduct(body, buffers, options);
      return;
    }
    if (options.bfloatDot !== undefined) {
      bfloatProduct(body, buffers, options);
      return;
    }
    const one = (block: Block) => matrixVector(block, buffers, columns);
    if (tokens === 1) {
      one(body);
      return;
    }
    const n = asExpr(buffers.n, "int64");
    // A prompt's only row of logits, a batch of one: no use in unpacking a panel for it.
    body.if(n.eq(1), one, (many) => matrixMatrix(many, buffers, n, columns, vectorBits));
  });
}
