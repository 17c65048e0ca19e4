import type { FfiObject } from "../../../ffi/index.js";
import { Buffer } from "../../ir/buffer.js";
import { variable } from "../../ir/prim-expr.js";
import { primFunc } from "../../ir/prim-func.js";
import type { GpuTraits } from "../kernel-target.js";
import { launch, strided, threadsFor } from "./launch.js";

/**
 * Chosen rows in the order asked for, on a GPU: `output[i] = x[rows[i]]`.
 *
 * Parameters: x float32[n, columns], rows int32[m] (each below n), output float32[m, columns].
 */
export function gatherRows({ columns }: { readonly columns: number }, { maxThreads }: GpuTraits): FfiObject {
  const [n, m] = [variable("n"), variable("m")];
  const x = new Buffer("x", [n, columns], "float32");
  const rows = new Buffer("rows", [m], "int32");
  const output = new Buffer("output", [m, columns], "float32");
  const threads = threadsFor(columns, maxThreads);
  return primFunc([x, rows, output], (body) =>
    launch(body, [m], threads, (block, { block: [i], thread }) => {
      if (i === undefined) return;
      const row = block.bind("row", rows.load(i).cast("int64"));
      strided(block, columns, threads, thread, (inner, at) => inner.store(output, x.load(row, at), i, at));
    }),
  );
}
