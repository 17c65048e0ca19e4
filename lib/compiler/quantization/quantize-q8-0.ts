/**
 * Float weights to ggml's q8_0: signed bytes with one half-precision scale per 32 values, w = q * d, d = absmax / 127.
 * Method: ggml's reference quantiser (ggml-quants.c, quantize_row_q8_0_ref), except that codes are chosen for the stored scale.
 */
import { roundToHalf } from "../importer/half-float.js";
import { GROUP_SIZE } from "./format.js";
import type { RowBlock } from "./row-block.js";

/** See GroupQuantizer. */
export function quantizeQ80(values: Float32Array, at: number, block: RowBlock, group: number): void {
  const { codes } = block;
  let largest = 0;
  for (let i = 0; i < GROUP_SIZE; i++) {
    const magnitude = Math.abs(values[at + i] as number);
    if (magnitude > largest) largest = magnitude;
  }
  const scale = roundToHalf(largest / 127);
  const inverse = scale === 0 ? 0 : 1 / scale;
  const start = group * GROUP_SIZE;
  for (let i = 0; i < GROUP_SIZE; i++) {
    const code = Math.round((values[at + i] as number) * inverse);
    codes[start + i] = Math.max(-127, Math.min(127, code));
  }
  block.scales[group] = scale;
  block.minima[group] = 0;
}
