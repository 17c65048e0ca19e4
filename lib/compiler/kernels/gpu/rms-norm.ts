import type { FfiObject } from "../../../ffi/index.js";
import { float } from "../../ir/prim-expr.js";
import type { GpuTraits } from "../kernel-target.js";
import type { RmsNormOptions } from "../rms-norm.js";
import { squareSum } from "./block-reduce.js";
import { launch, strided, threadsFor } from "./launch.js";
import { gpuProgram, parameter, size } from "./program.js";
import { squareRoot } from "./scalar-math.js";

/**
 * Root mean square normalisation on a GPU: `x / sqrt(mean(x^2) + epsilon) * weight`, a block of threads a row.
 *
 * Parameters: x float32[n, columns], weight float32[columns], output float32[n, columns].
 */
export function rmsNorm({ columns, epsilon, tokens }: RmsNormOptions, { maxThreads }: GpuTraits): FfiObject {
  const n = tokens === 1 ? 1 : size("n");
  const x = parameter("x", [n, columns], "float32");
  const weight = parameter("weight", [columns], "float32");
  const output = parameter("output", [n, columns], "float32");
  const threads = threadsFor(columns, Math.min(maxThreads, 256));
  return gpuProgram([x, weight, output], (body) =>
    launch(body, [n], threads, (block, { block: [row], thread }) => {
      if (row === undefined) return;
      const scratch = block.shared("scratch", threads);
      const total = squareSum(block, columns, { threads, thread }, scratch, (at) => x.load(row, at));
      const factor = block.bind("factor", float(1).div(squareRoot(total.mul(1 / columns).add(epsilon))));
      strided(block, columns, threads, thread, (inner, at) =>
        inner.store(output, x.load(row, at).mul(factor).mul(weight.load(at)), row, at),
      );
    }),
  );
}
