import { describe, expect, test } from "vitest";
import { roundToHalf } from "../../../lib/compiler/importer/half-float.js";
import {
  GROUP_QUANTIZERS,
  type QuantizableFormat,
} from "../../../lib/compiler/quantization/group-quantizers.js";
import { RowBlock } from "../../../lib/compiler/quantization/row-block.js";
import { randomNumbers, randomWeights } from "./source-tensor-fixture.js";

/** Values of one group after quantisation. */
function restore(format: QuantizableFormat, group: Float32Array): Float32Array {
  const block = new RowBlock(format, 32);
  GROUP_QUANTIZERS[format](group, 0, block, 0);
  const out = new Float32Array(32);
  block.dequantizeGroup(0, out);
  return out;
}

function squaredError(values: Float32Array, restored: Float32Array): number {
  return values.reduce((sum, value, i) => sum + (value - (restored[i] ?? 0)) ** 2, 0);
}

/** Plain min/max: llama.cpp's quantize_row_q4_1_ref, with exact scales. */
function minMax(values: Float32Array): Float32Array {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const scale = (high - low) / 15 || 1;
  return values.map((value) => Math.min(15, Math.floor((value - low) / scale + 0.5)) * scale + low);
}

/** Plain absmax: llama.cpp's quantize_row_q4_0_ref, with an exact scale. */
function absMax(values: Float32Array): Float32Array {
  const extreme = values.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
  const scale = extreme / -8 || 1;
  return values.map((value) => (Math.min(15, Math.trunc(value / scale + 8.5)) - 8) * scale);
}

function totals(format: QuantizableFormat, plain: (values: Float32Array) => Float32Array) {
  const weights = randomWeights(32 * 3000, 17);
  const sums = { ours: 0, plain: 0, worse: 0 };
  for (let at = 0; at < weights.length; at += 32) {
    const group = weights.slice(at, at + 32);
    const ours = squaredError(group, restore(format, group));
    const reference = squaredError(group, plain(group));
    sums.ours += ours;
    sums.plain += reference;
    // Rounding scales to half precision may cost a hair where the plain form is already the best one.
    if (ours > reference * 1.02 + 1e-12) sums.worse++;
  }
  return sums;
}

describe("the search", () => {
  test("q4_1 loses a fifth less than plain min/max, and far less than absmax", () => {
    const { ours, plain, worse } = totals("q4_1", minMax);
    expect(ours).toBeLessThan(0.82 * plain);
    expect(worse).toBe(0);
    expect(ours).toBeLessThan(0.6 * totals("q4_0", absMax).plain);
    expect(ours).toBeLessThan(0.5 * totals("q4f32_1", absMax).ours);
  });

  test("q4_0 is better than ggml's reference and in no group worse", () => {
    const { ours, plain, worse } = totals("q4_0", absMax);
    expect(ours).toBeLessThan(0.93 * plain);
    expect(worse).toBe(0);
  });

  test("values on a grid of sixteen levels come back, whichever levels are used", () => {
    const random = randomNumbers(5);
    for (let round = 0; round < 300; round++) {
      const scale = roundToHalf(0.001 + random() * 0.05);
      const minimum = roundToHalf(-8 * scale + (random() - 0.5) * 0.02);
      const lowest = Math.floor(random() * 4);
      const highest = 12 + Math.floor(random() * 4);
      const group = Float32Array.from({ length: 32 }, (_, i) => {
        const level =
          i === 0 ? lowest : i === 1 ? highest : lowest + Math.floor(random() * (highest - lowest + 1));
        return level * scale + minimum;
      });
      // Half precision of the minimum is what may be lost.
      const tolerance = 32 * (scale * 0.02) ** 2;
      expect(squaredError(group, restore("q4_1", group))).toBeLessThan(tolerance);
    }
  });
});

describe("fixed rules", () => {
  test("q8_0 is absmax / 127 in half precision", () => {
    const group = randomWeights(32, 8);
    const block = new RowBlock("q8_0", 32);
    GROUP_QUANTIZERS.q8_0(group, 0, block, 0);
    const scale = roundToHalf(Math.max(...group.map(Math.abs)) / 127);
    expect(block.scales[0]).toBe(scale);
    group.forEach((value, i) => {
      const code = ((block.codes[i] ?? 0) << 24) >> 24;
      expect(Math.abs(code * scale - value)).toBeLessThanOrEqual(scale * 0.51);
    });
  });

  test("q4f32_1 and q4f16_1 are MLC's: absmax / 7, codes around 7, never 15", () => {
    const group = randomWeights(32, 12);
    const largest = Math.max(...group.map(Math.abs));
    for (const [format, scale] of [
      ["q4f32_1", Math.fround(largest / 7)],
      ["q4f16_1", roundToHalf(roundToHalf(largest) / 7)],
    ] as const) {
      const block = new RowBlock(format, 32);
      GROUP_QUANTIZERS[format](group, 0, block, 0);
      expect(block.scales[0]).toBe(scale);
      const expected = Array.from(group, (value) => Math.max(0, Math.min(14, Math.round(value / scale) + 7)));
      expect([...block.codes.subarray(0, 32)]).toEqual(expected);
    }
  });
});

describe("degenerate groups", () => {
  const formats = Object.keys(GROUP_QUANTIZERS) as QuantizableFormat[];
  const groups: [string, Float32Array][] = [
    ["zeros", new Float32Array(32)],
    ["one value", new Float32Array(32).fill(0.123)],
    ["one negative value", new Float32Array(32).fill(-7.7)],
    ["a single outlier", Float32Array.from({ length: 32 }, (_, i) => (i === 9 ? -3 : 0))],
    ["denormals", Float32Array.from({ length: 32 }, (_, i) => i * 1e-42)],
    ["values below half precision", Float32Array.from({ length: 32 }, (_, i) => (i - 16) * 1e-11)],
    ["values far from zero", Float32Array.from({ length: 32 }, (_, i) => 1000 + i)],
    ["both signs of zero", Float32Array.from({ length: 32 }, (_, i) => (i % 2 ? -0 : 0))],
  ];

  test.each(formats)("%s gives finite values close to the group", (format) => {
    for (const [name, group] of groups) {
      const restored = restore(format, group);
      const largest = Math.max(...group.map(Math.abs));
      restored.forEach((value, i) => {
        const error = Math.abs(value - (group[i] ?? 0));
        expect(error, `${format}, ${name}, value ${i}`).toBeLessThanOrEqual(largest * 0.08 + 1e-7);
      });
    }
  });
});
