import { expect, test } from "vitest";
import { BLOCK_DECODERS } from "../../../lib/compiler/importer/dequantize.js";
import { BLOCK_SIZES } from "../../../lib/compiler/importer/ggml-types.js";
import { floatToHalf } from "../../../lib/compiler/importer/half-float.js";
import type { SourceDtype, SourceTensor } from "../../../lib/compiler/importer/imported-model.js";
import { packTensor } from "../../../lib/compiler/quantization/pack-rows16.js";
import { quantizationScheme } from "../../../lib/compiler/quantization/registry.js";
import { chooseFormat } from "../../../lib/compiler/quantization/scheme.js";
import { randomNumbers } from "./source-tensor-fixture.js";

/** Byte offsets of the half-precision scales of a block. */
const SCALE_OFFSETS = {
  q5_0: [0],
  q5_1: [0, 2],
  q2_k: [80, 82],
  q3_k: [108],
  q4_k: [0, 2],
  q5_k: [0, 2],
  q6_k: [208],
} as const;

/** A tensor of random blocks of a ggml type: every code and sub-scale, sensible scales. */
function randomBlocks(dtype: keyof typeof SCALE_OFFSETS, rows: number, columns: number): SourceTensor {
  const random = randomNumbers(4);
  const { values, bytes: size } = BLOCK_SIZES[dtype];
  const bytes = Uint8Array.from({ length: ((rows * columns) / values) * size }, () => random() * 256);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += size) {
    for (const offset of SCALE_OFFSETS[dtype]) {
      view.setUint16(at + offset, floatToHalf(0.001 + 0.004 * random()), true);
    }
  }
  const perRow = columns / values;
  return {
    name: "model.layers.0.mlp.up_proj.weight",
    shape: [rows, columns],
    dtype,
    bytes: () => bytes,
    readRows: (start, count) => {
      const out = new Float32Array(count * columns);
      BLOCK_DECODERS[dtype](bytes, start * perRow * size, count * perRow, out, 0);
      return out;
    },
  };
}

// Bounds on the relative error: a q4_K group is a grid of 16 levels and must be found again; 5 and 6 bits fit into 8.
test.each([
  ["q4_k", "q4_1", 0.0005],
  ["q5_0", "q8_0", 0.006],
  ["q5_1", "q8_0", 0.006],
  ["q5_k", "q8_0", 0.006],
  ["q6_k", "q8_0", 0.006],
  ["q2_k", "q4_1", 0.055],
  ["q3_k", "q4_1", 0.055],
] as const)("keep stores %s as %s with little loss, and measures it", (dtype, format, bound) => {
  const tensor = randomBlocks(dtype, 32, 512);
  expect(chooseFormat(quantizationScheme("keep"), tensor)).toEqual({ format });
  const losses: { from: SourceDtype; relativeError: number }[] = [];
  for (const _ of packTensor(tensor, format, { onLoss: (loss) => losses.push(loss) }));
  expect(losses).toEqual([expect.objectContaining({ from: dtype, to: format })]);
  expect(losses[0]?.relativeError).toBeGreaterThan(0);
  expect(losses[0]?.relativeError).toBeLessThan(bound);
});
