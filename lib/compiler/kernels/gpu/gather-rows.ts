import type { FfiObject } from "../../../ffi/index.js";
import type { GpuTraits } from "../kernel-target.js";
import { launch, strided, threadsFor } from "./launch.js";
import { gpuProgram, parameter, size } from "./program.js";

/**
 * Chosen rows in the order asked for, on a GPU: `output[i] = x[rows[i]]`.
 *
 * Parameters: x float32[n, columns], rows int32[m] (each below n), output float32[m, columns].
 */
export function gatherRows({ columns }: { readonly columns: number }, { maxThreads }: GpuTraits): FfiObject {
  const [n, m] = [size("n"), size("m")];
  const x = parameter("x", [n, columns], "float32");
  const rows = parameter("rows", [m], "int32");
  const output = parameter("output", [m, columns], "float32");
  const threads = threadsFor(columns, maxThreads);
  return gpuProgram([x, rows, output], (body) =>
    launch(body, [m], threads, (block, { block: [i], thread }) => {
      if (i === undefined) return;
      const row = block.bind("row", rows.load(i));
      strided(block, columns, threads, thread, (inner, at) => inner.store(output, x.load(row, at), i, at));
    }),
  );
}
