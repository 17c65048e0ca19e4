import { describe, expect, test } from "vitest";
import { BLOCK_DECODERS } from "../../../lib/compiler/importer/dequantize.js";
import { BLOCK_SIZES } from "../../../lib/compiler/importer/ggml-types.js";
import { floatToHalf } from "../../../lib/compiler/importer/half-float.js";
import type { SourceDtype, SourceTensor } from "../../../lib/compiler/importer/imported-model.js";
import { packedBytes } from "../../../lib/compiler/quantization/format.js";
import { packTensor } from "../../../lib/compiler/quantization/pack-rows16.js";
import { quantizationScheme } from "../../../lib/compiler/quantization/registry.js";
import { chooseFormat } from "../../../lib/compiler/quantization/scheme.js";
import { floatTensor, randomNumbers } from "./source-tensor-fixture.js";
import { unpackAll } from "./unpack-rows16.js";

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

// Bounds on the relative error.
test.each([
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

describe.each(["q5_0", "q5_1", "q4_k", "q5_k", "q6_k"] as const)("%s", (format) => {
  test.each([
    [16, 256],
    [33, 512],
    [1, 768],
  ])("[%i, %i] is kept, every value exactly", (rows, columns) => {
    const tensor = randomBlocks(format, rows, columns);
    expect(chooseFormat(quantizationScheme("keep"), tensor)).toEqual({ format });
    const losses: number[] = [];
    const packed = Buffer.concat(
      [...packTensor(tensor, format, { onLoss: ({ relativeError }) => losses.push(relativeError) })].map(
        (chunk) => Buffer.from(chunk),
      ),
    );
    expect(packed.length).toBe(packedBytes(format, rows, columns));
    const values = unpackAll(packed, format, rows, columns);
    expect(values.subarray(0, rows * columns)).toEqual(tensor.readRows(0, rows));
    expect(values.subarray(rows * columns).every((value) => value === 0)).toBe(true);
    expect(losses).toEqual([0]);
  });

  test("refuses a scale that is no number", () => {
    const tensor = randomBlocks(format, 16, 256);
    tensor.bytes().set([0, 0x7c], SCALE_OFFSETS[format].at(-1));
    expect(() => [...packTensor(tensor, format)]).toThrow(/Expected finite scales/);
  });
});

test.each(["q4_k", "q6_k"] as const)("floats are not quantised to %s", (format) => {
  const tensor = floatTensor([16, 256], new Float32Array(16 * 256));
  expect(() => [...packTensor(tensor, format)]).toThrow(/Expected a source in q._k, .* received f32/);
});
