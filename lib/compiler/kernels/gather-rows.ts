import type { FfiObject } from "../../ffi/index.js";
import { Buffer } from "../ir/buffer.js";
import { variable } from "../ir/prim-expr.js";
import { primFunc } from "../ir/prim-func.js";
import { lanesFor } from "./lanes.js";

/**
 * Chosen rows in the order asked for: `output[i] = x[rows[i]]`.
 *
 * Parameters: x float32[n, columns], rows int32[m] (each below n), output float32[m, columns].
 */
export function gatherRows({ columns }: { readonly columns: number }): FfiObject {
  const [n, m] = [variable("n"), variable("m")];
  const x = new Buffer("x", [n, columns], "float32");
  const rows = new Buffer("rows", [m], "int32");
  const output = new Buffer("output", [m, columns], "float32");
  const lanes = lanesFor(columns);
  return primFunc([x, rows, output], (body) => {
    body.serial("i", m, (block, i) => {
      const row = block.bind("row", rows.load(i).cast("int64"));
      block.serial("j", columns / lanes, (inner, j) =>
        inner.store(output, x.loadVector(lanes, row, j.mul(lanes)), i, j.mul(lanes)),
      );
    });
  });
}
