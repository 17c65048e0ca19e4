import { describe, expect, test } from "vitest";
import { roundToHalf } from "../../../lib/compiler/importer/half-float.js";
import type { SourceTensor } from "../../../lib/compiler/importer/imported-model.js";
import { packedBytes, type WeightFormat } from "../../../lib/compiler/quantization/format.js";
import {
  type PackedLoss,
  type ParamFormat,
  packTensor,
} from "../../../lib/compiler/quantization/pack-rows16.js";
import { floatTensor, ggmlTensor, randomWeights } from "./source-tensor-fixture.js";
import { unpackAll } from "./unpack-rows16.js";

function pack(source: SourceTensor, format: ParamFormat): { bytes: Uint8Array; loss: PackedLoss } {
  const losses: PackedLoss[] = [];
  const chunks: Buffer[] = [];
  // Chunks are reused by the packer: copied at once.
  for (const chunk of packTensor(source, format, { onLoss: (loss) => losses.push(loss) })) {
    chunks.push(Buffer.from(chunk));
  }
  const [loss] = losses;
  if (loss === undefined || losses.length !== 1) throw new Error("expected one loss");
  return { bytes: Buffer.concat(chunks), loss };
}

function relativeError(expected: Float32Array, received: Float32Array): number {
  let errors = 0;
  let squares = 0;
  expected.forEach((value, i) => {
    errors += (value - (received[i] ?? 0)) ** 2;
    squares += value ** 2;
  });
  return Math.sqrt(errors / squares);
}

describe("a ggml tensor of the format itself", () => {
  test.each(["q4_0", "q4_1", "q8_0"] as const)("%s keeps every value exactly", (dtype) => {
    const shapes: readonly (readonly [number, number])[] = [
      [16, 32],
      [33, 96],
      [1, 256],
    ];
    for (const shape of shapes) {
      const source = ggmlTensor(shape, dtype, 7);
      const { bytes, loss } = pack(source, dtype);
      expect(bytes.length).toBe(packedBytes(dtype, ...shape));
      const values = unpackAll(bytes, dtype, ...shape);
      expect(values.subarray(0, source.values.length)).toEqual(source.values);
      expect(values.subarray(source.values.length).every((value) => value === 0)).toBe(true);
      expect(loss).toMatchObject({ from: dtype, to: dtype, relativeError: 0 });
    }
  });

  test("a scale that is no number is refused", () => {
    const source = ggmlTensor([16, 32], "q4_1", 1);
    source.bytes()[1] = 0x7c;
    source.bytes()[0] = 1;
    expect(() => pack(source, "q4_1")).toThrow(/Expected finite scales/);
  });
});

describe("float tensors", () => {
  const rows = 37;
  const columns = 96;
  const weights = randomWeights(rows * columns, 3);

  test("f32 is exact, f16 is the nearest half, missing rows are zero", () => {
    const exact = pack(floatTensor([rows, columns], weights), "f32");
    expect(unpackAll(exact.bytes, "f32", rows, columns).subarray(0, weights.length)).toEqual(weights);
    expect(exact.loss.relativeError).toBe(0);
    const halves = pack(floatTensor([rows, columns], weights), "f16");
    const values = unpackAll(halves.bytes, "f16", rows, columns);
    expect(values.subarray(0, weights.length)).toEqual(weights.map(roundToHalf));
    expect(values.subarray(weights.length).every((value) => value === 0)).toBe(true);
    expect(halves.loss.relativeError).toBeGreaterThan(0);
    expect(halves.loss.relativeError).toBeLessThan(5e-4);
  });

  test.each(["f16", "bf16"] as const)("%s sources pass through float32 without loss", (dtype) => {
    const source = floatTensor([rows, columns], weights, dtype);
    const { bytes } = pack(source, "f32");
    expect(unpackAll(bytes, "f32", rows, columns).subarray(0, weights.length)).toEqual(
      source.readRows(0, rows),
    );
    const own = pack(source, dtype);
    expect(own.loss.relativeError).toBe(0);
    const kept = unpackAll(own.bytes, dtype, rows, columns);
    expect(kept.subarray(0, weights.length)).toEqual(source.readRows(0, rows));
  });

  // Upper bounds a tenth above what the quantisers reach: a wrong scale, code order or zero point fails by far.
  test.each([
    ["q8_0", 0.0075],
    ["q4_1", 0.084],
    ["q4_0", 0.108],
    ["q4f16_1", 0.13],
    ["q4f32_1", 0.13],
  ] as const)("%s comes back within its precision", (format, bound) => {
    const { bytes, loss } = pack(floatTensor([rows, columns], weights), format);
    const values = unpackAll(bytes, format, rows, columns);
    const error = relativeError(weights, values.subarray(0, weights.length));
    expect(error).toBeLessThan(bound);
    expect(loss.relativeError).toBeCloseTo(error, 7);
    expect(values.subarray(weights.length).every((value) => value === 0)).toBe(true);
  });

  test("vectors are float32 as they are", () => {
    const values = randomWeights(10, 5);
    const { bytes } = pack(floatTensor([10], values, "f32", "model.norm.weight"), "vector");
    expect(new Float32Array(bytes.buffer, bytes.byteOffset, 10)).toEqual(values);
  });

  test("chunks of a large tensor are the whole tensor, progress ends at its rows", () => {
    const wide = randomWeights(700 * 2048, 9);
    const steps: number[] = [];
    let total = 0;
    for (const chunk of packTensor(floatTensor([700, 2048], wide), "f32", {
      onProgress: (done) => steps.push(done),
    })) {
      expect(chunk.length).toBeLessThanOrEqual(1 << 20);
      total += chunk.length;
    }
    expect(total).toBe(packedBytes("f32", 700, 2048));
    expect(steps.length).toBeGreaterThan(3);
    expect(steps.at(-1)).toBe(700);
  });
});

describe("what cannot be stored", () => {
  const formats: WeightFormat[] = ["f32", "f16", "q4_0", "q4_1", "q8_0", "q4f16_1", "q4f32_1"];
  const tensorWith = (value: number) => {
    const weights = randomWeights(32 * 64, 11);
    weights[700] = value;
    return floatTensor([32, 64], weights);
  };

  test.each(formats)("%s refuses NaN and infinity", (format) => {
    for (const value of [NaN, Infinity, -Infinity]) {
      expect(() => pack(tensorWith(value), format)).toThrow(/Expected finite weights that .* can hold/);
    }
  });

  test.each(["f16", "q4_0", "q4_1", "q8_0", "q4f16_1"] as const)(
    "%s refuses what overflows a half",
    (format) => {
      expect(() => pack(tensorWith(1e38), format)).toThrow(/too large/);
    },
  );

  test("wrong shapes and columns", () => {
    expect(() => pack(floatTensor([32, 48], randomWeights(32 * 48, 1)), "q4_1")).toThrow(/multiples of 32/);
    expect(() => pack(floatTensor([32], randomWeights(32, 1)), "f32")).toThrow(/Expected a matrix/);
  });
});
