import type { FfiObject } from "../../ffi/index.js";
import { Buffer } from "../ir/buffer.js";
import { variable } from "../ir/prim-expr.js";
import { primFunc } from "../ir/prim-func.js";
import { activationBuffer, quantizeRow } from "./activation-blocks.js";

/**
 * Rows of float32 to activation blocks, for producers that cannot store them.
 *
 * Parameters: x float32[n, columns] (columns a multiple of 32), output int32[n, columns / 32, 12].
 */
export function quantizeRows({ columns }: { readonly columns: number }): FfiObject {
  const n = variable("n");
  const x = new Buffer("x", [n, columns], "float32");
  const output = activationBuffer("output", n, columns);
  return primFunc([x, output], (body) => {
    body.parallel("i", n, (block, i) => {
      quantizeRow(block, columns, (lanes, at) => x.loadVector(lanes, i, at), { buffer: output, row: i });
    });
  });
}
