/**
 * Rows of activations in 8 bits ("q8 activation blocks"): what a matrix product with quantised weights multiplies. A group of 32
 * columns is 12 words of 32 bits:
 *
 *   words 0-7   int8 codes of the columns, 4 consecutive ones a word, the first in the lowest byte
 *   word  8     float32 scale: max |x| / 127
 *   word  9     int32 -8 * sum(codes): takes away the zero point of weights, 8 for 4 bits
 *   word 10     float32 scale * sum(codes): meets the minima of weights that have them
 *   word 11     int32 -8 * sum(codes of columns 0-15): the same for weights that have a scale every 16 columns
 *
 * The scheme is ggml's Q8_0/Q8_1 with a float32 scale: x = code * scale, codes rounded half to even.
 */
import { Buffer } from "../ir/buffer.js";
import { withLanes } from "../ir/dtype.js";
import { type ExprLike, float, type PrimExpr, select } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { bitAnd, laneSum, largestLane, reinterpret, roundToInteger } from "../ir/vector.js";
import { GROUP_SIZE } from "../quantization/format.js";

/** Words of a group. */
export const ACTIVATION_WORDS = 12;
export const SCALE_WORD = 8;
export const OFFSET_WORD = 9;
export const SUM_WORD = 10;
export const HALF_OFFSET_WORD = 11;

/** Columns of one word of codes. */
const WORD_COLUMNS = 4;
const HALF_GROUP = GROUP_SIZE / 2;

/** All bits of a float32 but its sign. */
const MAGNITUDE = 0x7fffffff;

/** Groups whose largest magnitude lies below are zero: 127 divided by it would overflow. */
const SMALLEST_MAGNITUDE = 1e-30;

/** Shape of the activation blocks of `rows` rows, int32; `columns` is a multiple of 32. */
export function activationShape<Size>(rows: Size, columns: number): [Size, number, number] {
  return [rows, columns / GROUP_SIZE, ACTIVATION_WORDS];
}

/** A parameter of activation blocks. */
export function activationBuffer(name: string, rows: ExprLike, columns: number): Buffer {
  return new Buffer(name, activationShape(rows, columns), "int32");
}

/** Bits of the lanes' magnitudes: ordered as these are, with a NaN as the largest of all. */
export function magnitudes(value: PrimExpr): PrimExpr {
  return bitAnd(reinterpret(value, withLanes("int32", value.lanes)), MAGNITUDE);
}

/**
 * Factor from values to codes and from codes to values, so that the largest value has code 127.
 * @param largest bits of magnitudes of which the largest decides.
 */
export function codeScale(block: Block, largest: PrimExpr): { factor: PrimExpr; scale: PrimExpr } {
  const magnitude = block.bind("largest", reinterpret(largestLane(largest), "float32"));
  const inverse = select(magnitude.gt(SMALLEST_MAGNITUDE), float(127).div(magnitude), float(0));
  return {
    factor: block.bind("factor", inverse),
    scale: block.bind("scale", magnitude.mul(1 / 127)),
  };
}

/** The int32 codes of values, rounded half to even. */
export function codesOf(value: PrimExpr, factor: PrimExpr): PrimExpr {
  return roundToInteger(value.mul(factor.broadcast(value.lanes))).cast("int32");
}

/**
 * Statements that quantise 32 values into a group.
 * @param values columns 0-15 and 16-31 of the group, float32x16 each, finite.
 */
export function quantizeGroup(
  block: Block,
  values: readonly [PrimExpr, PrimExpr],
  to: { readonly buffer: Buffer; readonly row: ExprLike; readonly group: ExprLike },
): void {
  const { buffer, row, group } = to;
  const halves = values.map((value) => block.bind("half", value));
  const [low, high] = halves.map(magnitudes) as [PrimExpr, PrimExpr];
  const { factor, scale } = codeScale(block, low.max(high));
  const codes = halves.map((half) => block.bind("codes", codesOf(half, factor))) as [PrimExpr, PrimExpr];
  codes.forEach((code, part) => {
    const words = reinterpret(code.cast("int8"), `int32x${HALF_GROUP / WORD_COLUMNS}`);
    block.store(buffer, words, row, group, part * (HALF_GROUP / WORD_COLUMNS));
  });
  const half = block.bind("half_sum", laneSum(codes[0]));
  const sum = block.bind("sum", laneSum(codes[1]).add(half));
  block.store(buffer, reinterpret(scale, "int32"), row, group, SCALE_WORD);
  block.store(buffer, sum.mul(-8), row, group, OFFSET_WORD);
  block.store(buffer, reinterpret(scale.mul(sum.cast("float32")), "int32"), row, group, SUM_WORD);
  block.store(buffer, half.mul(-8), row, group, HALF_OFFSET_WORD);
}

/**
 * Statements that quantise a row of `columns` values.
 * @param load `lanes` values from a column on.
 */
export function quantizeRow(
  block: Block,
  columns: number,
  load: (lanes: number, at: PrimExpr) => PrimExpr,
  to: { readonly buffer: Buffer; readonly row: ExprLike },
): void {
  block.serial("group", columns / GROUP_SIZE, (inner, group) => {
    const at = group.mul(GROUP_SIZE);
    const values = [load(HALF_GROUP, at), load(HALF_GROUP, at.add(HALF_GROUP))] as const;
    quantizeGroup(inner, values, { ...to, group });
  });
}
