/**
 * Sixteen rows to the bytes of the packed layout "rows16". Input: a row block (quantised formats) or row-major floats.
 * Output: blocks as docs/package-format.md draws them, little endian, written at an offset of a byte array.
 */
import { floatToHalf } from "../importer/half-float.js";
import { BLOCK_ROWS, GROUP_SIZE, WEIGHT_FORMATS } from "./format.js";
import type { RowBlock } from "./row-block.js";

/** Bytes of one vector: 16 lanes of 4 bytes. */
const VECTOR_BYTES = 64;

/** Writes all groups of `block` to `out[at]`; returns the offset behind them. */
export function interleaveRowBlock(block: RowBlock, out: Uint8Array, at: number): number {
  const { bits, scaleDtype, hasMin } = WEIGHT_FORMATS[block.format];
  let offset = at;
  for (let group = 0; group < block.groups; group++) {
    offset = bits === 8 ? writeBytes(block, group, out, offset) : writeNibbles(block, group, out, offset);
    offset = writeScales(block.scales, block.groups, group, scaleDtype === "float32", out, offset);
    if (hasMin)
      offset = writeScales(block.minima, block.groups, group, scaleDtype === "float32", out, offset);
  }
  return offset;
}

/** 4 vectors; byte j*64 + r*4 + c: low nibble row r column 8j+c, high nibble row r column 8j+4+c. */
function writeNibbles(block: RowBlock, group: number, out: Uint8Array, at: number): number {
  const { codes, columns } = block;
  for (let row = 0; row < BLOCK_ROWS; row++) {
    let source = row * columns + group * GROUP_SIZE;
    for (let target = at + row * 4; target < at + 4 * VECTOR_BYTES; target += VECTOR_BYTES, source += 8) {
      for (let c = 0; c < 4; c++) {
        out[target + c] = (codes[source + c] as number) | ((codes[source + 4 + c] as number) << 4);
      }
    }
  }
  return at + 4 * VECTOR_BYTES;
}

/** 8 vectors; byte j*64 + r*4 + c: row r column 4j+c. */
function writeBytes(block: RowBlock, group: number, out: Uint8Array, at: number): number {
  const { codes, columns } = block;
  for (let row = 0; row < BLOCK_ROWS; row++) {
    let source = row * columns + group * GROUP_SIZE;
    for (let target = at + row * 4; target < at + 8 * VECTOR_BYTES; target += VECTOR_BYTES, source += 4) {
      for (let c = 0; c < 4; c++) out[target + c] = codes[source + c] as number;
    }
  }
  return at + 8 * VECTOR_BYTES;
}

const floatScratch = new Float32Array(BLOCK_ROWS);
const floatScratchBytes = new Uint8Array(floatScratch.buffer);

/** The scales of one group: one a row, as 16 halves or 16 floats. */
function writeScales(
  scales: Float32Array,
  groups: number,
  group: number,
  single: boolean,
  out: Uint8Array,
  at: number,
): number {
  if (single) {
    for (let row = 0; row < BLOCK_ROWS; row++) floatScratch[row] = scales[row * groups + group] as number;
    out.set(floatScratchBytes, at);
    return at + floatScratchBytes.length;
  }
  for (let row = 0; row < BLOCK_ROWS; row++) {
    const half = floatToHalf(scales[row * groups + group] as number);
    out[at + 2 * row] = half & 0xff;
    out[at + 2 * row + 1] = half >> 8;
  }
  return at + 2 * BLOCK_ROWS;
}

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
