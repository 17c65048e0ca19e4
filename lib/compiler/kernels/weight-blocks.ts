/** Reading a packed weight (layout "rows16", lib/package/weight-format.ts): one vector lane is one output row. */
import { Buffer } from "../ir/buffer.js";
import { float, int, type PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { bitAnd, multiplyAdd, reinterpret, shiftLeft, shiftRight } from "../ir/vector.js";
import {
  BLOCK_ROWS,
  GROUP_SIZE,
  isQuantized,
  packedDtype,
  packedShape,
  WEIGHT_FORMATS,
  type WeightFormat,
} from "../quantization/format.js";

/** Bytes of one vector of codes: 16 rows x 4 bytes. */
const CODE_VECTOR_BYTES = 64;

const CACHE_LINE = 64;

/** The parameter of a packed weight [rows, columns]. */
export function weightBuffer(name: string, format: WeightFormat, rows: number, columns: number): Buffer {
  return new Buffer(name, packedShape(format, rows, columns), packedDtype(format));
}

/** Columns that kernels take at a time from weights of these formats, `columns` wide. */
export function columnsPerStep(formats: readonly WeightFormat[], columns: number): number {
  if (formats.some(isQuantized)) return GROUP_SIZE;
  return [8, 4, 2].find((count) => columns % count === 0) ?? 1;
}

/**
 * Yields the float32x16 values (16 rows) of `count` consecutive columns of a row block, in column order. A value is exactly what
 * the format defines, rounded once to float32. Code is written to `block` as the columns are drawn.
 * @param step columns `step * count` and on; `count` is a result of `columnsPerStep`.
 */
export function* unpackColumns(
  block: Block,
  weight: Buffer,
  format: WeightFormat,
  rowBlock: PrimExpr,
  step: PrimExpr,
  count: number,
): Generator<PrimExpr, void, undefined> {
  const { bits } = WEIGHT_FORMATS[format];
  if (!isQuantized(format)) {
    for (let column = 0; column < count; column++)
      yield weight.loadVector(BLOCK_ROWS, rowBlock, step.mul(count).add(column), 0).cast("float32");
    return;
  }
  const scale = groupScale(block, weight, format, rowBlock, step);
  const perVector = bits === 4 ? 8 : 4;
  for (let vector = 0; vector < GROUP_SIZE / perVector; vector++) {
    const bytes = weight.loadVector(CODE_VECTOR_BYTES, rowBlock, step, vector * CODE_VECTOR_BYTES);
    const codes = block.bind("codes", reinterpret(bytes, "int32x16"));
    for (let column = 0; column < perVector; column++) {
      const code = bits === 4 ? nibble(codes, column) : signedByte(codes, column);
      yield scale(code.cast("float32"));
    }
  }
}

/**
 * Asks for the cache lines of a group of a quantised weight, which are too short a run for the processor to foresee the next.
 * Float weights gain nothing from it and lose when they are in the cache.
 */
export function prefetchGroup(
  block: Block,
  weight: Buffer,
  format: WeightFormat,
  rowBlock: PrimExpr,
  group: PrimExpr,
): void {
  if (!isQuantized(format)) return;
  for (let byte = 0; byte < WEIGHT_FORMATS[format].blockBytes; byte += CACHE_LINE)
    block.prefetch(weight, rowBlock, group, byte);
}

/** Columns 0-3 of a vector of nibbles are the low halves of bytes 0-3, columns 4-7 the high halves. */
function nibble(codes: PrimExpr, column: number): PrimExpr {
  return bitAnd(shiftRight(codes, (column % 4) * 8 + (column < 4 ? 0 : 4)), 15);
}

function signedByte(codes: PrimExpr, column: number): PrimExpr {
  return shiftRight(shiftLeft(codes, 24 - column * 8), 24);
}

/** Loads the scales (and minima) of a group and returns what maps a code, as float32, to its weight. */
function groupScale(
  block: Block,
  weight: Buffer,
  format: WeightFormat,
  rowBlock: PrimExpr,
  step: PrimExpr,
): (code: PrimExpr) => PrimExpr {
  const { bits, zeroPoint, scaleDtype, hasMin } = WEIGHT_FORMATS[format];
  const dtype = scaleDtype ?? "float16";
  const bytes = BLOCK_ROWS * (dtype === "float16" ? 2 : 4);
  const start = (bits === 4 ? 4 : 8) * CODE_VECTOR_BYTES;
  const vector = (offset: number) =>
    reinterpret(weight.loadVector(bytes, rowBlock, step, offset), `${dtype}x${BLOCK_ROWS}`).cast("float32");
  const scale = block.bind("scale", vector(start));
  if (hasMin) {
    const minimum = block.bind("minimum", vector(start + bytes));
    return (code) => multiplyAdd(code, scale, minimum);
  }
  if (zeroPoint === 0) return (code) => code.mul(scale);
  // Half-precision scales leave room for both products to be exact; a float32 scale does not.
  if (dtype === "float32") return (code) => code.sub(zeroPoint).mul(scale);
  const offset = block.bind("offset", scale.mul(float(-zeroPoint)));
  return (code) => multiplyAdd(code, scale, offset);
}

/**
 * Where one row's codes lie: bytes of its columns 4v to 4v+3 (8-bit) or 8v to 8v+7 (4-bit) within a group, for gathers of whole
 * rows. Yields, for each run of 4 consecutive columns, the first column and its values as float32x4.
 */
export function unpackRow(
  block: Block,
  weight: Buffer,
  format: WeightFormat,
  row: { readonly rowBlock: PrimExpr; readonly lane: PrimExpr },
  group: PrimExpr,
  use: (firstColumn: number, values: PrimExpr) => void,
): void {
  const { bits, zeroPoint, scaleDtype, hasMin } = WEIGHT_FORMATS[format];
  const dtype = scaleDtype ?? "float16";
  const width = dtype === "float16" ? 2 : 4;
  const start = (bits === 4 ? 4 : 8) * CODE_VECTOR_BYTES;
  const scalar = (offset: number) =>
    reinterpret(weight.loadVector(width, row.rowBlock, group, row.lane.mul(width).add(offset)), dtype).cast(
      "float32",
    );
  const scale = block.bind("scale", scalar(start));
  const minimum = block.bind("minimum", hasMin ? scalar(start + BLOCK_ROWS * width) : float(0));
  const value = (code: PrimExpr) => multiplyAdd(code.cast("float32").sub(zeroPoint), scale, minimum);
  const perVector = bits === 4 ? 8 : 4;
  for (let vector = 0; vector < GROUP_SIZE / perVector; vector++) {
    const at = row.lane.mul(4).add(int(vector * CODE_VECTOR_BYTES));
    const bytes = block.bind("codes", weight.loadVector(4, row.rowBlock, group, at).cast("int32"));
    if (bits === 8) {
      use(vector * 4, value(shiftRight(shiftLeft(bytes, 24), 24)));
    } else {
      use(vector * 8, value(bitAnd(bytes, 15)));
      use(vector * 8 + 4, value(shiftRight(bytes, 4)));
    }
  }
}
