import type { FfiObject } from "../../../ffi/index.js";
import { asExpr, int } from "../../ir/prim-expr.js";
import type { GpuTraits } from "../kernel-target.js";
import { type LinearOptions, linearBuffers, linearParameters } from "../linear-options.js";
import { linearFew } from "./linear-few.js";
import { linearMany } from "./linear-many.js";
import { gpuProgram, INDEX } from "./program.js";
import { wordBuffer } from "./weight-words.js";

/** Up to this many rows of input the weights decide the time, and unpacking them into shared memory would only cost. */
const FEW_ROWS = 8;

/**
 * Matrix product with packed weights on a GPU: `x · concat(weights)ᵀ`, with bias, residual, GELU or gate in the same kernel.
 *
 * Parameters: x float32[n, columns]; the segments' weights (int32 words, `wordShape`); with `bias` the segments' biases float32[rows];
 * with "residual" the residual float32[n, outputs]; output float32[n, outputs]. `outputs` is the sum of the segments' rows, for
 * "silu-mul" half of it. Sums are float32. The number of rows chooses among three kernels (one row, a few, many),
 * which may differ in the last bits. Errors: as `linearBuffers`.
 */
export function linear(options: LinearOptions, gpu: GpuTraits): FfiObject {
  const buffers = linearBuffers(options, wordBuffer, INDEX);
  const { columns, tokens } = options;
  return gpuProgram(linearParameters(buffers), (body) => {
    if (tokens === 1) {
      linearFew(body, buffers, { columns, n: int(1, INDEX), tile: 1, gpu });
      return;
    }
    const n = asExpr(buffers.n, INDEX);
    body.if(
      n.eq(1),
      (one) => linearFew(one, buffers, { columns, n, tile: 1, gpu }),
      (more) =>
        more.if(
          n.le(FEW_ROWS),
          (few) => linearFew(few, buffers, { columns, n, tile: FEW_ROWS, gpu }),
          (many) => linearMany(many, buffers, { columns, n, gpu }),
        ),
    );
  });
}
