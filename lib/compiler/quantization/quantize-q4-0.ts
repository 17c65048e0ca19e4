/**
 * Float weights to ggml's q4_0: codes 0 to 15 around 8 with one half-precision scale per 32 values, w = (q - 8) * d.
 *
 * ggml's reference quantiser (quantize_row_q4_0_ref) puts the value of largest magnitude on code 0: d = extreme / -8. That is the first
 * candidate here; finer and coarser scales, for the extreme on either side, are tried too, each improved to the least-squares scale
 * of its codes. So a group is never worse than ggml's, and the stored blocks are ordinary q4_0.
 */
import { roundToHalf } from "../importer/half-float.js";
import { GROUP_SIZE } from "./format.js";
import type { RowBlock } from "./row-block.js";

const ZERO_POINT = 8;
const LOWEST = -8;
const HIGHEST = 7;
/** Code of the extreme value; beyond -8 and 7 it is clipped. ggml's choice first. */
const EXTREME_CODES = [-8, -9.5, -9, -8.6, -8.3, -7.7, -7.4, -7, -6.5, 6, 6.5, 7, 7.3, 7.6, 8, 8.5];
const REFINEMENTS = 6;

/** Result of `fitScale`. */
const fit = { scale: 0, error: 0 };

/** Least-squares scale for the codes that rounding to multiples of `scale` gives; fills `fit` (error: squared, see `squares`). */
function fitScale(values: Float32Array, at: number, scale: number, squares: number): void {
  const inverse = 1 / scale;
  let codeSquares = 0;
  let products = 0;
  for (let i = 0; i < GROUP_SIZE; i++) {
    const value = values[at + i] as number;
    // Shifted to positive numbers, truncation rounds to nearest.
    const position = value * inverse + (ZERO_POINT + 0.5);
    const code = (position >= 15 ? 15 : position > 0 ? position | 0 : 0) - ZERO_POINT;
    codeSquares += code * code;
    products += code * value;
  }
  fit.scale = codeSquares === 0 ? 0 : products / codeSquares;
  fit.error = squares - fit.scale * products;
}

/** See GroupQuantizer. */
export function quantizeQ40(values: Float32Array, at: number, block: RowBlock, group: number): void {
  let extreme = 0;
  let squares = 0;
  for (let i = 0; i < GROUP_SIZE; i++) {
    const value = values[at + i] as number;
    if (Math.abs(value) > Math.abs(extreme)) extreme = value;
    squares += value * value;
  }
  let bestScale = 0;
  // A denormal extreme has no usable inverse, and its scale vanishes in half precision anyway.
  if (Math.abs(extreme) > 1e-30) {
    let bestError = Infinity;
    for (let c = 0; c < EXTREME_CODES.length; c++) {
      fitScale(values, at, extreme / (EXTREME_CODES[c] as number), squares);
      if (fit.error < bestError) {
        bestError = fit.error;
        bestScale = fit.scale;
      }
    }
    for (let i = 0; i < REFINEMENTS; i++) {
      fitScale(values, at, bestScale, squares);
      if (!(fit.error < bestError)) break;
      bestError = fit.error;
      bestScale = fit.scale;
    }
  }
  storeScale(values, at, block, group, roundToHalf(bestScale));
}

/** Writes the scale as stored and the nearest code of each value. */
function storeScale(values: Float32Array, at: number, block: RowBlock, group: number, scale: number): void {
  const { codes } = block;
  const inverse = scale === 0 ? 0 : 1 / scale;
  const start = group * GROUP_SIZE;
  for (let i = 0; i < GROUP_SIZE; i++) {
    const code = Math.round((values[at + i] as number) * inverse);
    codes[start + i] = Math.max(LOWEST, Math.min(HIGHEST, code)) + ZERO_POINT;
  }
  block.scales[group] = scale;
  block.minima[group] = 0;
}
