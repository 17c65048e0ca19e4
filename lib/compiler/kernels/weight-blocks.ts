/** Reading a packed weight (layout "rows16", lib/package/weight-format.ts) as float32: one vector lane is one output row. */
import { Buffer } from "../ir/buffer.js";
import { asExpr, float, type PrimExpr } from "../ir/prim-expr.js";
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
import { bfloatPairs, unpackPair } from "./weight-bfloat.js";
import {
  blockMinima,
  blockScales,
  codeBytes,
  type GroupPlace,
  groupMinima,
  groupPlace,
  groupScales,
  highBits,
  type WeightRows,
} from "./weight-group.js";

const CACHE_LINE = 64;

/** Columns whose codes are 4 bytes of a row. */
const RUN_COLUMNS = 4;

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
  if (format === "bf16") {
    for (let pair = 0; pair < count / 2; pair++) {
      const at = step.mul(count / 2).add(pair);
      yield* unpackPair(block.bind("pair", bfloatPairs(weight, rowBlock, at, 0, BLOCK_ROWS)));
    }
    return;
  }
  if (!isQuantized(format)) {
    for (let column = 0; column < count; column++)
      yield weight.loadVector(BLOCK_ROWS, rowBlock, step.mul(count).add(column), 0).cast("float32");
    return;
  }
  const rows = { weight, format, rowBlock, first: 0, lanes: BLOCK_ROWS };
  const place = groupPlace(format, step);
  const value = codeValue(block, rows, place);
  const words = wordReader(block, (vector) =>
    reinterpret(codeBytes(rows, place, vector), `int32x${BLOCK_ROWS}`),
  );
  for (let column = 0; column < GROUP_SIZE; column++) {
    const [run, byte] = [Math.floor(column / RUN_COLUMNS), column % RUN_COLUMNS];
    yield value(code(words, format, run, byte), column);
  }
}

/** Vectors of codes in int32 lanes, each loaded once. */
type Words = (vector: number) => PrimExpr;

function wordReader(block: Block, load: Words): Words {
  const words = new Map<number, PrimExpr>();
  return (vector) => {
    const word = words.get(vector) ?? block.bind("codes", load(vector));
    words.set(vector, word);
    return word;
  };
}

/** The code in byte `byte` of the words of a run of 4 columns. */
function code(words: Words, format: WeightFormat, run: number, byte: number): PrimExpr {
  const { bits } = WEIGHT_FORMATS[format];
  if (bits === 8) return shiftRight(shiftLeft(words(run), 24 - byte * 8), 24);
  const low = bitAnd(shiftRight(words(Math.floor(run / 2)), byte * 8 + (run % 2) * 4), 15);
  if (bits === 4) return low;
  const { vector, from, count } = highBits(format, run);
  return low.add(shiftLeft(bitAnd(shiftRight(words(vector), byte * 8 + from), 2 ** count - 1), 4));
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
  const { index, at, bytes } = groupPlace(format, group);
  for (let byte = 0; byte < bytes; byte += CACHE_LINE)
    block.prefetch(weight, rowBlock, index, asExpr(at, "int64").add(byte));
}

/** Loads the scales (and minima) of a group and returns what maps a code of a column to its weight. */
function codeValue(
  block: Block,
  rows: WeightRows,
  place: GroupPlace,
): (code: PrimExpr, column: number) => PrimExpr {
  const { zeroPoint, scaleDtype, hasMin, factors } = WEIGHT_FORMATS[rows.format];
  const scales = groupScales(rows, place, blockScales(rows, place.index)).map((scale) =>
    block.bind("scale", scale),
  );
  const scaleOf = (column: number) => scales[Math.floor((column * scales.length) / GROUP_SIZE)] as PrimExpr;
  if (hasMin) {
    const minimum = block.bind("minimum", groupMinima(rows, place, blockMinima(rows, place.index)));
    return (code, column) => multiplyAdd(code.cast("float32"), scaleOf(column), minimum);
  }
  if (zeroPoint === 0) return (code, column) => code.cast("float32").mul(scaleOf(column));
  // Half-precision scales leave room for both products to be exact; longer ones do not.
  if (scaleDtype === "float32" || factors !== null)
    return (code, column) => code.cast("float32").sub(zeroPoint).mul(scaleOf(column));
  const offset = block.bind("offset", scaleOf(0).mul(float(-zeroPoint)));
  return (code, column) => multiplyAdd(code.cast("float32"), scaleOf(column), offset);
}

/**
 * The 32 values of one row in a group, for gathers of whole rows. Yields, for each run of 4 consecutive columns, the first column and
 * its values as float32x4.
 */
export function unpackRow(
  block: Block,
  weight: Buffer,
  format: WeightFormat,
  row: { readonly rowBlock: PrimExpr; readonly lane: PrimExpr },
  group: PrimExpr,
  use: (firstColumn: number, values: PrimExpr) => void,
): void {
  const rows: WeightRows = { weight, format, rowBlock: row.rowBlock, first: row.lane, lanes: 1 };
  const place = groupPlace(format, group);
  const value = codeValue(block, rows, place);
  const words = wordReader(block, (vector) => codeBytes(rows, place, vector).cast("int32"));
  for (let run = 0; run < GROUP_SIZE / RUN_COLUMNS; run++)
    use(run * RUN_COLUMNS, value(code(words, format, run, 0), run * RUN_COLUMNS));
}
