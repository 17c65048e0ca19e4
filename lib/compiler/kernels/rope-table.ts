import type { FfiObject } from "../../ffi/index.js";
import { Buffer } from "../ir/buffer.js";
import { variable } from "../ir/prim-expr.js";
import { primFunc } from "../ir/prim-func.js";
import { lanesFor } from "./lanes.js";
import { sineCosine } from "./vector-math.js";

/**
 * Rotary factors of a step, shared by all layers: row i holds the cosines of `positions[i] * inv_freq` in its first half and the
 * sines in its second. The angle is a float32 product, as in the reference implementations.
 *
 * Parameters: positions int32[n], inv_freq float32[headDim / 2], output float32[n, headDim].
 */
export function ropeTable({ headDim }: { readonly headDim: number }): FfiObject {
  const n = variable("n");
  const half = headDim / 2;
  const positions = new Buffer("positions", [n], "int32");
  const frequencies = new Buffer("inv_freq", [half], "float32");
  const output = new Buffer("output", [n, headDim], "float32");
  const lanes = lanesFor(half);
  return primFunc([positions, frequencies, output], (body) => {
    body.serial("i", n, (block, i) => {
      const position = block.bind("position", positions.load(i).cast("float32"));
      block.serial("j", half / lanes, (inner, j) => {
        const at = j.mul(lanes);
        const angle = inner.bind("angle", frequencies.loadVector(lanes, at).mul(position));
        const { sine, cosine } = sineCosine(inner, angle);
        inner.store(output, cosine, i, at);
        inner.store(output, sine, i, at.add(half));
      });
    });
  });
}
