/**
 * Weight formats of linear weights on CPU and their packed layout, "rows16": part of the package format.
 *
 * A weight [rows, columns] is stored as ceil(rows / 16) blocks of 16 interleaved rows, so that one vector lane is one output row;
 * rows added to fill the last block are zero. The packer writes by this table, kernels and the package reader read by it
 * (docs/package-format.md has the drawing).
 */
import { MlcError } from "../errors.js";

/** Names of the numeric formats a linear weight can have. */
export const WEIGHT_FORMAT_NAMES = [
  "f32",
  "f16",
  "bf16",
  "q4_0",
  "q4_1",
  "q5_0",
  "q5_1",
  "q8_0",
  "q4_k",
  "q5_k",
  "q6_k",
  "q4f16_1",
  "q4f32_1",
] as const;
export type WeightFormat = (typeof WEIGHT_FORMAT_NAMES)[number];

/** Rows interleaved in one block. */
export const BLOCK_ROWS = 16;
/** Consecutive columns of one row whose codes stand together in every quantised format. */
export const GROUP_SIZE = 32;

/** What kernels and packers need to know about a format. */
export interface WeightFormatInfo {
  /** Bits of one stored value, scales excluded. */
  readonly bits: 4 | 5 | 6 | 8 | 16 | 32;
  /**
   * Columns of a block, which share the float scales at its end or beginning. Float formats have none to share: 1, or the 2 of bf16
   * that stand together in a lane of 32 bits, as dot products take them.
   */
  readonly blockColumns: 1 | 2 | 32 | 256;
  /** Bytes of one block: 16 rows x `blockColumns` columns with their scales and minima. */
  readonly blockBytes: number;
  /** Integer subtracted from the stored value before scaling: w = (q - zeroPoint) * d + m. */
  readonly zeroPoint: 0 | 7 | 8 | 16 | 32;
  /** Type of the per-row scales of a block; null for float formats. */
  readonly scaleDtype: "float16" | "float32" | null;
  /** Whether a block has 16 minima (of the scale's type) too. */
  readonly hasMin: boolean;
  /**
   * Two integer factors a row that every group of a block of 256 columns has. "halves", int8: of the scale in columns 0-15 and of
   * the scale in columns 16-31. "minimum", uint8: of the scale, and of the minimum.
   */
  readonly factors: "halves" | "minimum" | null;
}

/**
 * The formats. A block of bf16 is the 16 pairs of two columns, the first in the low half. A block of 32 columns is a group of codes, then 16 scales, then 16 minima. A block of 256 columns is 16 scales, 16
 * minima, then 8 groups, each with codes and factors. The codes of a group, 16 rows x 32 columns in vectors of 64 bytes:
 * 8 bits, vector j, byte r*4 + c: row r, column 4j + c (signed);
 * less, vector j of 4, byte r*4 + c: low nibble = low 4 bits of row r, column 8j + c; high nibble = row r, column 8j + 4 + c; then
 * fifth bits, one vector: bit i of byte r*4 + c = row r, column 4i + c; or
 * fifth and sixth bits, vector j of 2: bits 2i and 2i + 1 of byte r*4 + c = row r, column 16j + 4i + c.
 */
export const WEIGHT_FORMATS: Readonly<Record<WeightFormat, WeightFormatInfo>> = {
  f32: floats(32),
  f16: floats(16),
  bf16: { ...floats(16), blockColumns: 2, blockBytes: 64 },
  q4_0: { ...group(4), blockBytes: 288, zeroPoint: 8 },
  q4_1: { ...group(4), blockBytes: 320, hasMin: true },
  q5_0: { ...group(5), blockBytes: 352, zeroPoint: 16 },
  q5_1: { ...group(5), blockBytes: 384, hasMin: true },
  q8_0: { ...group(8), blockBytes: 544 },
  q4_k: { ...group(4), blockColumns: 256, blockBytes: 2368, hasMin: true, factors: "minimum" },
  q5_k: { ...group(5), blockColumns: 256, blockBytes: 2880, hasMin: true, factors: "minimum" },
  q6_k: { ...group(6), blockColumns: 256, blockBytes: 3360, zeroPoint: 32, factors: "halves" },
  q4f16_1: { ...group(4), blockBytes: 288, zeroPoint: 7 },
  q4f32_1: { ...group(4), blockBytes: 320, zeroPoint: 7, scaleDtype: "float32" },
};

function floats(bits: 16 | 32): WeightFormatInfo {
  const blockBytes = (bits / 8) * BLOCK_ROWS;
  return { bits, blockColumns: 1, blockBytes, zeroPoint: 0, scaleDtype: null, hasMin: false, factors: null };
}

/** A block of one group with float16 scales. */
function group(bits: 4 | 5 | 6 | 8): Omit<WeightFormatInfo, "blockBytes"> {
  return {
    bits,
    blockColumns: GROUP_SIZE,
    zeroPoint: 0,
    scaleDtype: "float16",
    hasMin: false,
    factors: null,
  };
}

/** Where the parts of a block of a quantised format lie: byte offsets within the block. */
export interface BlockLayout {
  /** Groups of 32 columns in a block. */
  readonly groups: 1 | 8;
  readonly scalesAt: number;
  /** Meaningful where the format has minima. */
  readonly minimaAt: number;
  /** The first group: its codes, then its factors. */
  readonly groupsAt: number;
  /** Bytes from one group to the next. */
  readonly groupBytes: number;
  /** Bytes of the codes of a group. */
  readonly codeBytes: number;
}

/** Layout of the blocks of a quantised format. */
export function blockLayout(format: WeightFormat): BlockLayout {
  const { bits, blockColumns, scaleDtype, hasMin, factors } = WEIGHT_FORMATS[format];
  const scaleBytes = BLOCK_ROWS * (scaleDtype === "float32" ? 4 : 2);
  const codeBytes = (BLOCK_ROWS * GROUP_SIZE * bits) / 8;
  const groupBytes = codeBytes + (factors === null ? 0 : 2 * BLOCK_ROWS);
  const several = blockColumns === 256;
  // Kernels read a block once, in order: what all groups need comes before them, what ends a group after its codes.
  const scalesAt = several ? 0 : groupBytes;
  return {
    groups: several ? 8 : 1,
    scalesAt,
    minimaAt: scalesAt + scaleBytes,
    groupsAt: several ? scaleBytes * (hasMin ? 2 : 1) : 0,
    groupBytes,
    codeBytes,
  };
}

/** Whether `format` stores integers with scales. */
export function isQuantized(format: WeightFormat): boolean {
  return WEIGHT_FORMATS[format].blockColumns >= GROUP_SIZE;
}

/** Element type of the packed tensor: "uint8" for quantised formats and the pairs of bf16, else the float type. */
export function packedDtype(format: WeightFormat): "float32" | "float16" | "uint8" {
  if (format === "f32") return "float32";
  return format === "f16" ? "float16" : "uint8";
}

/**
 * Shape of the packed tensor of a weight [rows, columns]: [ceil(rows/16), columns, 16] for f32 and f16,
 * [ceil(rows/16), columns/blockColumns, blockBytes] for the others.
 * Throws ERR_INVALID_ARGUMENT where one of those meets columns that are no multiple of its blocks'.
 */
export function packedShape(format: WeightFormat, rows: number, columns: number): [number, number, number] {
  const { blockColumns, blockBytes } = WEIGHT_FORMATS[format];
  const rowBlocks = Math.ceil(rows / BLOCK_ROWS);
  if (blockColumns === 1) return [rowBlocks, columns, BLOCK_ROWS];
  if (columns % blockColumns !== 0) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected columns in multiples of ${blockColumns} for the weight format ${format} but received ${columns}: use f16 or f32 for this tensor.`,
    );
  }
  return [rowBlocks, columns / blockColumns, blockBytes];
}

/** Bytes of the packed tensor of a weight [rows, columns]. Errors as `packedShape`. */
export function packedBytes(format: WeightFormat, rows: number, columns: number): number {
  const [rowBlocks, blocks] = packedShape(format, rows, columns);
  return rowBlocks * blocks * WEIGHT_FORMATS[format].blockBytes;
}
