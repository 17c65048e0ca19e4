// What a cache in 8 bits costs: outputs beside those of an exact cache, also for keys with one channel far larger than the others.
import { beforeAll, expect, it } from "vitest";
import { loadCompilerLibrary } from "../../../lib/ffi/index.js";
import { AttentionLayer, AttentionRunner } from "../../support/attention-runner.js";
import { relativeError } from "../../support/kernel-library.js";
import { Random } from "../../support/random.js";

const SHAPE = { heads: 2, kvHeads: 1, headDim: 64 } as const;
const ROWS = 200;
/** Index of the first key element in a row of qkv. */
const KEYS = SHAPE.heads * SHAPE.headDim;

let layers: { readonly exact: AttentionLayer; readonly codes: AttentionLayer };
beforeAll(() => {
  loadCompilerLibrary();
  const layer = (kvDtype: "float32" | "int8") => new AttentionLayer({ ...SHAPE, kvDtype }, new Random(3));
  layers = { exact: layer("float32"), codes: layer("int8") };
});

// Elements are up to 2. Without the Hadamard transform the worst errors are 0.04, 0.20, 0.56 and 1.6.
it.each([
  [0, 0.1],
  [10, 0.1],
  [40, 0.25],
  [100, 0.4],
])(
  "one channel of the keys larger by %i: the worst error is below %f of the outputs' size",
  (larger, most) => {
    const rows = new Random(4).floats(ROWS * layers.exact.width, 2);
    for (let at = KEYS + 30; at < rows.length; at += layers.exact.width) rows[at] = (rows[at] ?? 0) + larger;
    const output = (layer: AttentionLayer) =>
      new AttentionRunner(layer, new Random(1), 16).step("prefill", [{ sequence: 0, rows }]);
    expect(relativeError(output(layers.codes), output(layers.exact))).toBeLessThan(most);
  },
);
