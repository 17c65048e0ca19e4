import { readFileSync } from "node:fs";
import path from "node:path";
import { Tensor } from "../../lib/ffi/index.js";
import type { ModelPackage } from "../../lib/package/model-package.js";

/** The parameters of a package, as an engine would map them. */
export function packageParameters({ path: folder, manifest }: ModelPackage): Tensor[] {
  const shards = manifest.weights.shards.map(({ file }) => readFileSync(path.join(folder, file)));
  return manifest.weights.params.map(({ shard, offset, bytes, packedShape, dtype }) => {
    const data = new Uint8Array(shards[shard]?.subarray(offset, offset + bytes) ?? []);
    const array = { float32: Float32Array, float16: Uint16Array, uint8: Uint8Array }[dtype];
    return Tensor.from(new array(data.buffer), packedShape, dtype);
  });
}
