/**
 * Packed weights (layout "rows16", lib/package/weight-format.ts) as kernels for GPUs read them: the very bytes of the package as int32
 * words, four rows of a row block at a time, 16 bytes of codes in one load. Neighbouring threads read neighbouring bytes.
 */
import type { Buffer } from "../../ir/buffer.js";
import { int, type PrimExpr } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";
import { bitAnd, reinterpret, shiftLeft, shiftRight, shiftRightBy } from "../../ir/vector.js";
import {
  blockLayout,
  GROUP_SIZE,
  isQuantized,
  packedShape,
  WEIGHT_FORMATS,
  type WeightFormat,
} from "../../quantization/format.js";
import { INDEX, parameter } from "./program.js";
import { halfToFloat } from "./scalar-math.js";

/** Rows that one thread reads at a time: a quarter of a row block. */
export const QUAD_ROWS = 4;
/** Words of a vector of codes: 16 rows x 4 bytes. */
const VECTOR_WORDS = 16;
/** Vectors of low nibbles that precede the higher bits. */
const NIBBLE_VECTORS = 4;

/** Shape in int32 words of a packed weight [rows, columns]: [ceil(rows/16), blocks of columns, words]. Errors as `packedShape`. */
export function wordShape(format: WeightFormat, rows: number, columns: number): [number, number, number] {
  const [rowBlocks] = packedShape(format, rows, columns);
  const { blockColumns, blockBytes } = WEIGHT_FORMATS[format];
  return [rowBlocks, columns / blockColumns, blockBytes / 4];
}

/** The parameter of a packed weight [rows, columns]. */
export function wordBuffer(name: string, format: WeightFormat, rows: number, columns: number): Buffer {
  return parameter(name, wordShape(format, rows, columns), "int32");
}

/** Columns of a unit: those of the codes that a thread loads at once. */
export function unitColumns(format: WeightFormat): 1 | 2 | 4 | 8 {
  if (format === "bf16") return 2;
  if (!isQuantized(format)) return 1;
  return WEIGHT_FORMATS[format].bits === 8 ? 4 : 8;
}

/** Four rows of a weight. */
export interface WeightQuad {
  readonly weight: Buffer;
  readonly format: WeightFormat;
  readonly rowBlock: PrimExpr;
  /** Which quarter of the row block. */
  readonly quad: PrimExpr;
  /** Whether kernels may use the type float16. */
  readonly half: boolean;
}

/** The weights of a unit: `code(row, column) * scale + offset` with those of the row, all float32. */
export interface WeightUnit {
  code(row: number, column: number): PrimExpr;
  /** One a row; undefined where codes are the weights. */
  readonly scaling: readonly RowScaling[] | undefined;
}

/** Of one row of a unit. */
export interface RowScaling {
  readonly scale: PrimExpr;
  readonly offset: PrimExpr | undefined;
}

/** Loads unit `unit` (columns `unit * unitColumns(format)` and on) of four rows. Code is written to `block`. */
export function loadUnit(block: Block, quad: WeightQuad, unit: PrimExpr): WeightUnit {
  if (!isQuantized(quad.format)) return loadFloats(block, quad, unit);
  const { format } = quad;
  const { groups, groupsAt, groupBytes, codeBytes } = blockLayout(format);
  const { bits } = WEIGHT_FORMATS[format];
  const perGroup = GROUP_SIZE / unitColumns(format);
  const group = block.bind("group", unit.floorDiv(perGroup));
  const part = block.bind("part", unit.floorMod(perGroup));
  const index = groups === 1 ? group : block.bind("block", group.floorDiv(groups));
  const inBlock = groups === 1 ? int(0, INDEX) : group.floorMod(groups);
  const at = block.bind("at", inBlock.mul(groupBytes / 4).add(groupsAt / 4));
  const words = loadWords(block, quad, index, at.add(part.mul(VECTOR_WORDS)), "codes");
  const high = bits === 5 || bits === 6 ? highBits(block, quad, { index, at, part, bits }) : undefined;
  return {
    code(row, column) {
      const word = words.load(row);
      if (bits === 8) return shiftRight(shiftLeft(word, 24 - 8 * column), 24).cast("float32");
      const low = bitAnd(shiftRight(word, 8 * (column % 4) + (column < 4 ? 0 : 4)), 15);
      return (high === undefined ? low : low.add(high(row, column))).cast("float32");
    },
    scaling: loadScaling(block, quad, { index, factors: at.add(codeBytes / 4), part, perGroup }),
  };
}

/** Four words from `at` + 4 quads on, as registers. */
function loadWords(
  block: Block,
  { weight, rowBlock, quad }: WeightQuad,
  index: PrimExpr,
  at: PrimExpr,
  name: string,
): Buffer {
  const words = block.registers(name, QUAD_ROWS, "int32");
  block.store(words, weight.loadVector(QUAD_ROWS, rowBlock, index, at.add(quad.mul(QUAD_ROWS))), 0);
  return words;
}

interface HighBitsPlace {
  readonly index: PrimExpr;
  readonly at: PrimExpr;
  /** The unit's number in its group, int32. */
  readonly part: PrimExpr;
  readonly bits: 5 | 6;
}

/** The fifth (and sixth) bits of a unit's codes at their places, int32. */
function highBits(
  block: Block,
  quad: WeightQuad,
  { index, at, part, bits }: HighBitsPlace,
): (row: number, column: number) => PrimExpr {
  const count = bits - 4;
  // A vector has all runs of four columns for 5 bits, half of them for 6; a unit is two runs.
  const vector = count === 1 ? int(0, INDEX) : part.floorDiv(2);
  const run = count === 1 ? part : part.floorMod(2);
  const words = loadWords(block, quad, index, at.add(vector.add(NIBBLE_VECTORS).mul(VECTOR_WORDS)), "high");
  const shift = block.bind("shift", run.mul(2 * count));
  return (row, column) => {
    const moved = shiftRightBy(words.load(row), shift);
    const own = shiftRight(moved, 8 * (column % 4) + (column < 4 ? 0 : count));
    return shiftLeft(bitAnd(own, 2 ** count - 1), 4);
  };
}

interface ScalingPlace {
  readonly index: PrimExpr;
  /** Word of the group's factors. */
  readonly factors: PrimExpr;
  readonly part: PrimExpr;
  /** Units in a group. */
  readonly perGroup: number;
}

function loadScaling(block: Block, quad: WeightQuad, place: ScalingPlace): WeightUnit["scaling"] {
  const { zeroPoint, hasMin, factors } = WEIGHT_FORMATS[quad.format];
  const { scalesAt, minimaAt } = blockLayout(quad.format);
  const { index, part, perGroup } = place;
  const stored = loadScales(block, quad, index, scalesAt / 4, "scales");
  const minima = hasMin ? loadScales(block, quad, index, minimaAt / 4, "minima") : undefined;
  // "halves": the second 16 factors are of columns 16 to 31.
  const which = factors === "halves" ? part.floorDiv(perGroup / 2) : int(0, INDEX);
  const scaleFactor = factors === null ? undefined : loadFactors(block, quad, place, which);
  const minimumFactor = factors === "minimum" ? loadFactors(block, quad, place, int(1, INDEX)) : undefined;
  return [0, 1, 2, 3].map((row) => {
    const product = scaleFactor === undefined ? stored(row) : stored(row).mul(scaleFactor(row));
    const scale = block.bind("scale", product);
    if (minima === undefined) return { scale, offset: zeroPoint === 0 ? undefined : scale.mul(-zeroPoint) };
    const minimum = minimumFactor === undefined ? minima(row) : minima(row).mul(minimumFactor(row));
    return { scale, offset: block.bind("offset", minimum) };
  });
}

/** The float scales or minima of four rows from word `start` of a block on. */
function loadScales(
  block: Block,
  quad: WeightQuad,
  index: PrimExpr,
  start: number,
  name: string,
): (row: number) => PrimExpr {
  const { weight, format, rowBlock, half } = quad;
  if (WEIGHT_FORMATS[format].scaleDtype === "float32") {
    const words = loadWords(block, quad, index, int(start, INDEX), name);
    return (row) => reinterpret(words.load(row), "float32");
  }
  const words = block.registers(name, QUAD_ROWS / 2, "int32");
  block.store(
    words,
    weight.loadVector(QUAD_ROWS / 2, rowBlock, index, quad.quad.mul(QUAD_ROWS / 2).add(start)),
    0,
  );
  return (row) => halfToFloat(halfBits(words, row), half);
}

/** The bits of half `index` of words, int32. */
function halfBits(words: Buffer, index: number): PrimExpr {
  const word = words.load(Math.floor(index / 2));
  return bitAnd(index % 2 === 0 ? word : shiftRight(word, 16), 0xffff);
}

/** One byte a row of the group's factors. */
function loadFactors(
  block: Block,
  { weight, format, rowBlock, quad }: WeightQuad,
  { index, factors }: ScalingPlace,
  which: PrimExpr,
): (row: number) => PrimExpr {
  const word = block.bind(
    "factors",
    weight.load(rowBlock, index, factors.add(which.mul(QUAD_ROWS)).add(quad)),
  );
  const signed = WEIGHT_FORMATS[format].factors === "halves";
  return (row) => {
    const byte = signed
      ? shiftRight(shiftLeft(word, 24 - 8 * row), 24)
      : bitAnd(shiftRight(word, 8 * row), 255);
    return byte.cast("float32");
  };
}

function loadFloats(block: Block, quad: WeightQuad, unit: PrimExpr): WeightUnit {
  const { format, weight, rowBlock, half } = quad;
  if (format === "f16") {
    const words = block.registers("halves", QUAD_ROWS / 2, "int32");
    block.store(words, weight.loadVector(QUAD_ROWS / 2, rowBlock, unit, quad.quad.mul(QUAD_ROWS / 2)), 0);
    return { code: (row) => halfToFloat(halfBits(words, row), half), scaling: undefined };
  }
  const words = loadWords(block, quad, unit, int(0, INDEX), "words");
  const bits = (word: PrimExpr, column: number): PrimExpr => {
    if (format === "f32") return word;
    // Bfloat16 is the upper half of a float32; the first column lies in the low half.
    return column === 0 ? shiftLeft(word, 16) : bitAnd(word, -0x10000);
  };
  return { code: (row, column) => reinterpret(bits(words.load(row), column), "float32"), scaling: undefined };
}

/** One weight of a unit. */
export function weightOf({ code, scaling }: WeightUnit, row: number, column: number): PrimExpr {
  const own = scaling?.[row];
  if (own === undefined) return code(row, column);
  const product = code(row, column).mul(own.scale);
  return own.offset === undefined ? product : product.add(own.offset);
}

/** Units along the columns of a weight. */
export function unitCount(format: WeightFormat, columns: number): number {
  return columns / unitColumns(format);
}
