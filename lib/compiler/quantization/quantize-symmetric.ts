/**
 * Float weights to MLC's q4f16_1 and q4f32_1: 4-bit codes 0 to 14 around 7, one scale per 32 values, w = (q - 7) * s, s = absmax / 7.
 * Method: MLC LLM's group quantisation (quantization/group_quantization.py), symmetric, group size 32, in the scale's precision.
 */
import { roundToHalf } from "../importer/half-float.js";
import { GROUP_SIZE } from "./format.js";
import type { RowBlock } from "./row-block.js";

const ZERO_POINT = 7;

/** q4f16_1: weights and scale in half precision. See GroupQuantizer. */
export function quantizeQ4F16(values: Float32Array, at: number, block: RowBlock, group: number): void {
  const scale = roundToHalf(roundToHalf(largestMagnitude(values, at)) / ZERO_POINT);
  writeCodes(values, at, block, group, scale);
}

/** q4f32_1: weights and scale in single precision. See GroupQuantizer. */
export function quantizeQ4F32(values: Float32Array, at: number, block: RowBlock, group: number): void {
  writeCodes(values, at, block, group, Math.fround(largestMagnitude(values, at) / ZERO_POINT));
}

function largestMagnitude(values: Float32Array, at: number): number {
  let largest = 0;
  for (let i = 0; i < GROUP_SIZE; i++) {
    const magnitude = Math.abs(values[at + i] as number);
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}

function writeCodes(values: Float32Array, at: number, block: RowBlock, group: number, scale: number): void {
  const { codes } = block;
  const start = group * GROUP_SIZE;
  for (let i = 0; i < GROUP_SIZE; i++) {
    // A group of zeros (or of values that vanish in half precision) is the middle code.
    const quotient = scale === 0 ? 0 : (values[at + i] as number) / scale;
    const code = Math.round(quotient) + ZERO_POINT;
    codes[start + i] = Math.max(0, Math.min(2 * ZERO_POINT, code));
  }
  block.scales[group] = scale;
  block.minima[group] = 0;
}
