/**
 * Sixteen rows to the bytes of the packed layout "rows16". Input: a row block (quantised formats) or row-major floats.
 * Output: blocks as docs/package-format.md draws them, little endian, written at an offset of a byte array.
 */
import { floatToHalf } from "../importer/half-float.js";
import { floatBitsToBfloat } from "./bfloat.js";
import { BLOCK_ROWS, blockLayout, GROUP_SIZE, WEIGHT_FORMATS } from "./format.js";
import { GROUP_FACTORS, type RowBlock } from "./row-block.js";

/** Words of four bytes: of one vector (one word a lane), and of the codes of a row in one group. */
const VECTOR_WORDS = BLOCK_ROWS;
const GROUP_WORDS = GROUP_SIZE / 4;

/** Writes all blocks of `block` to `out[at]`; returns the offset behind them. `at` is a multiple of 4, also in the buffer. */
export function interleaveRowBlock(block: RowBlock, out: Uint8Array, at: number): number {
  const { bits, blockBytes, scaleDtype, hasMin, factors } = WEIGHT_FORMATS[block.format];
  const { groups, scalesAt, minimaAt, groupsAt, groupBytes, codeBytes } = blockLayout(block.format);
  const words = new Uint32Array(out.buffer, out.byteOffset, out.byteLength >> 2);
  const writeCodes = bits === 8 ? writeBytes : writeNibbles;
  const writeScales = scaleDtype === "float32" ? writeFloats : writeHalves;
  for (let index = 0; index < block.blocks; index++) {
    const start = at + index * blockBytes;
    writeScales(block.scales, block.blocks, index, out, start + scalesAt);
    if (hasMin) writeScales(block.minima, block.blocks, index, out, start + minimaAt);
    for (let next = 0; next < groups; next++) {
      const group = index * groups + next;
      const to = start + groupsAt + next * groupBytes;
      writeCodes(block, group, words, to >> 2);
      if (bits === 5 || bits === 6)
        writeHighBits(block, group, bits - 4, words, (to >> 2) + 4 * VECTOR_WORDS);
      if (factors !== null) writeFactors(block, group, out, to + codeBytes);
    }
  }
  return at + block.blocks * blockBytes;
}

/** 4 vectors of the low four bits; byte r*4 + c of vector j: low nibble row r column 8j + c, high nibble column 8j + 4 + c. */
function writeNibbles({ codeWords, columns }: RowBlock, group: number, out: Uint32Array, at: number): void {
  for (let row = 0; row < BLOCK_ROWS; row++) {
    let source = (row * columns) / 4 + group * GROUP_WORDS;
    for (let target = at + row; target < at + 4 * VECTOR_WORDS; target += VECTOR_WORDS, source += 2) {
      const low = (codeWords[source] as number) & 0x0f0f0f0f;
      out[target] = low | (((codeWords[source + 1] as number) & 0x0f0f0f0f) << 4);
    }
  }
}

/** The bits above the low four, `count` (1 or 2) a code, one vector each: those of word i of a group follow those of word i - 1. */
function writeHighBits(
  { codeWords, columns }: RowBlock,
  group: number,
  count: number,
  out: Uint32Array,
  at: number,
): void {
  const mask = count === 1 ? 0x01010101 : 0x03030303;
  const perVector = 8 / count;
  for (let row = 0; row < BLOCK_ROWS; row++) {
    const source = (row * columns) / 4 + group * GROUP_WORDS;
    for (let vector = 0; vector < count; vector++) {
      let bits = 0;
      for (let i = 0; i < perVector; i++) {
        const word = codeWords[source + vector * perVector + i] as number;
        bits |= ((word >>> 4) & mask) << (i * count);
      }
      out[at + vector * VECTOR_WORDS + row] = bits;
    }
  }
}

/** 8 vectors; byte r*4 + c of vector j: row r column 4j + c. */
function writeBytes({ codeWords, columns }: RowBlock, group: number, out: Uint32Array, at: number): void {
  for (let row = 0; row < BLOCK_ROWS; row++) {
    let source = (row * columns) / 4 + group * GROUP_WORDS;
    for (let target = at + row; target < at + 8 * VECTOR_WORDS; target += VECTOR_WORDS, source += 1)
      out[target] = codeWords[source] as number;
  }
}

/** The first factor of each row, then the second. */
function writeFactors({ factors, groups }: RowBlock, group: number, out: Uint8Array, at: number): void {
  for (let row = 0; row < BLOCK_ROWS; row++) {
    const source = (row * groups + group) * GROUP_FACTORS;
    out[at + row] = factors[source] as number;
    out[at + BLOCK_ROWS + row] = factors[source + 1] as number;
  }
}

/** Writes scale `index` of each row, of which there are `perRow`. */
type ScaleWriter = (scales: Float32Array, perRow: number, index: number, out: Uint8Array, at: number) => void;

const floatScratch = new Float32Array(BLOCK_ROWS);
const floatScratchBytes = new Uint8Array(floatScratch.buffer);

const writeFloats: ScaleWriter = (scales, perRow, index, out, at) => {
  for (let row = 0; row < BLOCK_ROWS; row++) floatScratch[row] = scales[row * perRow + index] as number;
  out.set(floatScratchBytes, at);
};

const writeHalves: ScaleWriter = (scales, perRow, index, out, at) => {
  for (let row = 0; row < BLOCK_ROWS; row++) {
    const half = floatToHalf(scales[row * perRow + index] as number);
    out[at + 2 * row] = half & 0xff;
    out[at + 2 * row + 1] = half >> 8;
  }
};

/**
 * Writes `rows` (1 to 16) rows of `columns` floats as [columns, 16] float32 or float16 (bit patterns) into `out` from element
 * `at` on; missing rows are zero. Returns whether every value stayed finite.
 */
export function interleaveFloats(
  values: Float32Array,
  rows: number,
  columns: number,
  out: Float32Array | Uint16Array,
  at: number,
): boolean {
  out.fill(0, at, at + columns * BLOCK_ROWS);
  let finite = true;
  for (let row = 0; row < rows; row++) {
    const source = row * columns;
    if (out instanceof Uint16Array) {
      for (let column = 0; column < columns; column++) {
        const half = floatToHalf(values[source + column] as number);
        finite &&= (half & 0x7c00) !== 0x7c00;
        out[at + column * BLOCK_ROWS + row] = half;
      }
    } else {
      for (let column = 0; column < columns; column++) {
        const value = values[source + column] as number;
        finite &&= Number.isFinite(value);
        out[at + column * BLOCK_ROWS + row] = value;
      }
    }
  }
  return finite;
}

/**
 * Writes `rows` (1 to 16) rows of `columns` (even) floats as bfloat16 [columns / 2, 16, 2] into `out`; missing rows are zero.
 * Returns whether every value stayed finite.
 */
export function interleaveBfloats(
  values: Float32Array,
  rows: number,
  columns: number,
  out: Uint16Array,
): boolean {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  out.fill(0);
  let finite = true;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const bits = floatBitsToBfloat(words[row * columns + column] as number);
      finite &&= (bits & 0x7f80) !== 0x7f80;
      out[((column >> 1) * BLOCK_ROWS + row) * 2 + (column & 1)] = bits;
    }
  }
  return finite;
}
