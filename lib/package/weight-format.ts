/**
 * Weight formats of linear weights on CPU and their packed layout, "rows16": part of the package format.
 *
 * A weight [rows, columns] is stored as ceil(rows / 16) blocks of 16 interleaved rows, so that one vector lane is one output row;
 * rows added to fill the last block are zero. The packer writes by this table, kernels and the package reader read by it
 * (docs/package-format.md has the drawing).
 */
import { MlcError } from "../errors.js";

/** Names of the numeric formats a linear weight can have. */
export const WEIGHT_FORMAT_NAMES = ["f32", "f16", "q4_0", "q4_1", "q8_0", "q4f16_1", "q4f32_1"] as const;
export type WeightFormat = (typeof WEIGHT_FORMAT_NAMES)[number];

/** Rows interleaved in one block. */
export const BLOCK_ROWS = 16;
/** Consecutive columns of one row that share a scale in every quantised format. */
export const GROUP_SIZE = 32;

/** What kernels and packers need to know about a format. */
export interface WeightFormatInfo {
  /** Bits of one stored value, scales excluded. */
  readonly bits: 4 | 8 | 16 | 32;
  /** Columns that share one scale; 1 for float formats, whose values stand alone. */
  readonly groupSize: 1 | 32;
  /** Bytes of one block: 16 rows x `groupSize` columns with their scales and minima. */
  readonly blockBytes: number;
  /** Integer subtracted from the stored value before scaling: w = (q - zeroPoint) * d + m. */
  readonly zeroPoint: 0 | 7 | 8;
  /** Type of the per-row scales at the end of a block; null for float formats. */
  readonly scaleDtype: "float16" | "float32" | null;
  /** Whether 16 minima (of the scale's type) follow the 16 scales. */
  readonly hasMin: boolean;
}

/**
 * The formats. Stored values come first in a block, then 16 scales, then (q4_1) 16 minima:
 * 4-bit, vector j of 64 bytes, byte j*64 + r*4 + c: low nibble = row r, column 8j+c; high nibble = row r, column 8j+4+c;
 * 8-bit, byte j*64 + r*4 + c: row r, column 4j+c (signed).
 */
export const WEIGHT_FORMATS: Readonly<Record<WeightFormat, WeightFormatInfo>> = {
  f32: { bits: 32, groupSize: 1, blockBytes: 64, zeroPoint: 0, scaleDtype: null, hasMin: false },
  f16: { bits: 16, groupSize: 1, blockBytes: 32, zeroPoint: 0, scaleDtype: null, hasMin: false },
  q4_0: { bits: 4, groupSize: 32, blockBytes: 288, zeroPoint: 8, scaleDtype: "float16", hasMin: false },
  q4_1: { bits: 4, groupSize: 32, blockBytes: 320, zeroPoint: 0, scaleDtype: "float16", hasMin: true },
  q8_0: { bits: 8, groupSize: 32, blockBytes: 544, zeroPoint: 0, scaleDtype: "float16", hasMin: false },
  q4f16_1: { bits: 4, groupSize: 32, blockBytes: 288, zeroPoint: 7, scaleDtype: "float16", hasMin: false },
  q4f32_1: { bits: 4, groupSize: 32, blockBytes: 320, zeroPoint: 7, scaleDtype: "float32", hasMin: false },
};

/** Whether `format` stores integers with per-group scales. */
export function isQuantized(format: WeightFormat): boolean {
  return WEIGHT_FORMATS[format].groupSize > 1;
}

/** Element type of the packed tensor: "uint8" for quantised formats, else the float type. */
export function packedDtype(format: WeightFormat): "float32" | "float16" | "uint8" {
  if (format === "f32") return "float32";
  return format === "f16" ? "float16" : "uint8";
}

/**
 * Shape of the packed tensor of a weight [rows, columns]: [ceil(rows/16), columns, 16] for float formats,
 * [ceil(rows/16), columns/32, blockBytes] for quantised ones.
 * Throws ERR_INVALID_ARGUMENT where a quantised format meets columns that are no multiple of 32.
 */
export function packedShape(format: WeightFormat, rows: number, columns: number): [number, number, number] {
  const { groupSize, blockBytes } = WEIGHT_FORMATS[format];
  const rowBlocks = Math.ceil(rows / BLOCK_ROWS);
  if (groupSize === 1) return [rowBlocks, columns, BLOCK_ROWS];
  if (columns % groupSize !== 0) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected columns in multiples of ${groupSize} for the weight format ${format} but received ${columns}: use f16 or f32 for this tensor.`,
    );
  }
  return [rowBlocks, columns / groupSize, blockBytes];
}

/** Bytes of the packed tensor of a weight [rows, columns]. Errors as `packedShape`. */
export function packedBytes(format: WeightFormat, rows: number, columns: number): number {
  const [rowBlocks, groups] = packedShape(format, rows, columns);
  return rowBlocks * groups * WEIGHT_FORMATS[format].blockBytes;
}
