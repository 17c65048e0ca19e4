/**
 * Sixteen rows of a quantised weight on their way from the quantiser (or a ggml block) to the packed layout: one byte a code,
 * one float a scale. Between these two stages every format looks the same.
 */
import { BLOCK_ROWS, GROUP_SIZE, WEIGHT_FORMATS, type WeightFormat } from "./format.js";

/** A format with integer codes and scales. */
export type QuantizedFormat = Exclude<WeightFormat, "f32" | "f16" | "bf16">;

/** Integer factors of a group, where the format has them. */
export const GROUP_FACTORS = 2;

export class RowBlock {
  readonly format: QuantizedFormat;
  readonly columns: number;
  /** Groups of 32 columns per row. */
  readonly groups: number;
  /** Scales (and minima) per row. */
  readonly blocks: number;
  /** [16, columns]: unsigned codes of fewer than 8 bits, or signed 8-bit codes in two's complement. */
  readonly codes: Uint8Array;
  /** The codes four at a time, the first in the lowest byte. */
  readonly codeWords: Uint32Array;
  /** [16, groups, 2]: integer factors of the scales and minima; unused where the format has none. */
  readonly factors: Uint8Array;
  /** [16, blocks]: scales, already rounded to the format's scale type. */
  readonly scales: Float32Array;
  /** [16, blocks]: minima, rounded likewise; zero where the format has none. */
  readonly minima: Float32Array;

  constructor(format: QuantizedFormat, columns: number) {
    this.format = format;
    this.columns = columns;
    this.groups = columns / GROUP_SIZE;
    this.blocks = columns / WEIGHT_FORMATS[format].blockColumns;
    this.codes = new Uint8Array(BLOCK_ROWS * columns);
    this.codeWords = new Uint32Array(this.codes.buffer);
    this.factors = new Uint8Array(BLOCK_ROWS * this.groups * GROUP_FACTORS);
    this.scales = new Float32Array(BLOCK_ROWS * this.blocks);
    this.minima = new Float32Array(BLOCK_ROWS * this.blocks);
  }

  /** Makes rows `from` to 15 zero: the padding of the last block of a weight. */
  clearRows(from: number): void {
    this.codes.fill(0, from * this.columns);
    this.factors.fill(0, from * this.groups * GROUP_FACTORS);
    this.scales.fill(0, from * this.blocks);
    this.minima.fill(0, from * this.blocks);
  }

  /**
   * Values of group `group` (0 to 16 * groups - 1, row-major) as the kernels see them, into `out` [32], for formats whose groups have
   * a scale each.
   */
  dequantizeGroup(group: number, out: Float32Array): void {
    const { bits, zeroPoint } = WEIGHT_FORMATS[this.format];
    const scale = this.scales[group] as number;
    const minimum = this.minima[group] as number;
    const start = group * GROUP_SIZE;
    for (let i = 0; i < GROUP_SIZE; i++) {
      const code = this.codes[start + i] as number;
      out[i] = ((bits === 8 ? (code << 24) >> 24 : code) - zeroPoint) * scale + minimum;
    }
  }
}

/**
 * Quantises the 32 values from `values[at]` on into codes, scale and minimum of group `group` of `block`.
 * The codes are chosen for the scale as it will be stored, after its rounding to half precision.
 */
export type GroupQuantizer = (values: Float32Array, at: number, block: RowBlock, group: number) => void;
