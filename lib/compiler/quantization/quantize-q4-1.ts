/**
 * Float weights to q4_1: codes 0 to 15 with a half-precision scale and minimum per 32 values, w = q * d + m.
 *
 * Plain min/max spends the code range on the two extreme values. Here scale and minimum minimise the squared error of the group:
 * a number of starting grids (coarser and finer than min/max, the finer ones clipping the upper or the lower end) is each
 * improved to the least-squares line through the codes it gives, the best one is iterated (new codes, new line) until it stands,
 * and the codes are chosen once more for the stored, rounded line. The idea of the search is llama.cpp's make_qkx2_quants.
 */
import { roundToHalf } from "../importer/half-float.js";
import { GROUP_SIZE } from "./format.js";
import type { RowBlock } from "./row-block.js";

const LARGEST_CODE = 15;
/**
 * Steps between the extremes that are tried; above 15 the grid is finer than the range needs and clips it. With every integer from 8
 * to 15 among them, values that lie on a grid of 16 levels (K-quants do) are found again, whichever levels a group uses.
 */
const STEPS = [8, 9, 10, 11, 12, 13, 14, 14.5, 15, 15.5, 16, 16.5, 17, 17.5, 18, 19];
/** Share of the clipping taken from the lower end. */
const CLIP_SHARES = [0, 1];
const REFINEMENTS = 8;

/** The group around its middle; reused. */
const centred = new Float32Array(GROUP_SIZE);

/** Result of `fitLine`: reused, because it is filled twenty times a group. */
const line = { scale: 0, minimum: 0, error: 0 };

/**
 * Least-squares line through the codes that rounding to the grid w = code * scale + minimum gives to 32 values.
 * `sum` and `squares` are those of the values. Fills `line`; its error is the squared error with these codes.
 */
function fitLine(
  values: Float32Array,
  at: number,
  scale: number,
  minimum: number,
  sum: number,
  squares: number,
): void {
  const inverse = 1 / scale;
  const shift = 0.5 - minimum * inverse;
  let codeSum = 0;
  let codeSquares = 0;
  let products = 0;
  for (let i = 0; i < GROUP_SIZE; i++) {
    const value = values[at + i] as number;
    const position = value * inverse + shift;
    const code = position >= LARGEST_CODE ? LARGEST_CODE : position > 0 ? position | 0 : 0;
    codeSum += code;
    codeSquares += code * code;
    products += code * value;
  }
  const determinant = GROUP_SIZE * codeSquares - codeSum * codeSum;
  if (determinant === 0) {
    line.error = Infinity;
    return;
  }
  const fitted = (GROUP_SIZE * products - codeSum * sum) / determinant;
  const offset = (sum - fitted * codeSum) / GROUP_SIZE;
  line.scale = fitted;
  line.minimum = offset;
  line.error = squares - fitted * products - offset * sum;
}

/** See GroupQuantizer. */
export function quantizeQ41(values: Float32Array, at: number, block: RowBlock, group: number): void {
  let lowest = values[at] as number;
  let highest = lowest;
  for (let i = 1; i < GROUP_SIZE; i++) {
    const value = values[at + i] as number;
    if (value < lowest) lowest = value;
    else if (value > highest) highest = value;
  }
  // Around the middle the sums of squares do not cancel in groups far from zero.
  const middle = (lowest + highest) / 2;
  const range = highest - lowest;
  if (range < Number.MIN_VALUE * 2 ** 52) {
    writeConstant(lowest, block, group);
    return;
  }
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < GROUP_SIZE; i++) {
    const value = (values[at + i] as number) - middle;
    centred[i] = value;
    sum += value;
    squares += value * value;
  }
  search(range, sum, squares);
  storeLine(values, at, block, group, line.scale, line.minimum + middle);
}

/** Best line for `centred`, whose extremes are -range/2 and range/2; leaves it in `line`. */
function search(range: number, sum: number, squares: number): void {
  let bestError = Infinity;
  let scale = range / LARGEST_CODE;
  let minimum = -range / 2;
  for (let s = 0; s < STEPS.length; s++) {
    const steps = STEPS[s] as number;
    const step = range / steps;
    const clipped = steps > LARGEST_CODE ? (steps - LARGEST_CODE) * step : 0;
    const shares = clipped === 0 ? 1 : CLIP_SHARES.length;
    for (let c = 0; c < shares; c++) {
      fitLine(centred, 0, step, -range / 2 + clipped * (CLIP_SHARES[c] as number), sum, squares);
      if (line.error < bestError) {
        bestError = line.error;
        scale = line.scale;
        minimum = line.minimum;
      }
    }
  }
  for (let i = 0; i < REFINEMENTS; i++) {
    fitLine(centred, 0, scale, minimum, sum, squares);
    if (!(line.error < bestError)) break;
    bestError = line.error;
    scale = line.scale;
    minimum = line.minimum;
  }
  line.scale = scale;
  line.minimum = minimum;
}

/** Rounds the line to what a block stores and writes the nearest code of each value. */
function storeLine(
  values: Float32Array,
  at: number,
  block: RowBlock,
  group: number,
  scale: number,
  minimum: number,
): void {
  const { codes } = block;
  const storedScale = roundToHalf(scale);
  const storedMinimum = roundToHalf(minimum);
  const inverse = storedScale === 0 ? 0 : 1 / storedScale;
  const start = group * GROUP_SIZE;
  for (let i = 0; i < GROUP_SIZE; i++) {
    const code = Math.round(((values[at + i] as number) - storedMinimum) * inverse);
    codes[start + i] = Math.max(0, Math.min(LARGEST_CODE, code));
  }
  block.scales[group] = storedScale;
  block.minima[group] = storedMinimum;
}

/** A group of one value: the minimum is the value, the scale what half precision left over. */
function writeConstant(value: number, block: RowBlock, group: number): void {
  const minimum = roundToHalf(value);
  block.minima[group] = minimum;
  block.scales[group] = roundToHalf(value - minimum);
  block.codes.fill(1, group * GROUP_SIZE, (group + 1) * GROUP_SIZE);
}
