/**
 * Random weights in the packed layout "rows16", with their exact values: written from the contract (docs/package-format.md),
 * without the product's packer.
 */
import type { WeightFormat } from "../../../lib/package/weight-format.js";
import type { Random } from "../random.js";
import { halfToNumber, numberToHalf, roundHalf } from "./half.js";

/** A weight [rows, columns] in both forms. */
export interface ReferenceWeight {
  readonly rows: number;
  readonly columns: number;
  readonly format: WeightFormat;
  readonly packed: Uint8Array | Uint16Array | Float32Array;
  readonly packedShape: [number, number, number];
  readonly packedDtype: "uint8" | "float16" | "float32";
  /** Row-major values. */
  readonly values: Float64Array;
}

type QuantizedName = Exclude<WeightFormat, "f32" | "f16" | "bf16">;

/** How a block of 16 rows is laid out. */
interface BlockFormat {
  readonly bits: 4 | 5 | 6 | 8;
  readonly zero: number;
  readonly scaleBytes: 2 | 4;
  readonly minimum: boolean;
  /** Of blocks of 256 columns: two scales a group, or a scale and a minimum. */
  readonly factors?: "halves" | "minimum";
}

const BLOCKS: Readonly<Record<QuantizedName, BlockFormat>> = {
  q4_0: { bits: 4, zero: 8, scaleBytes: 2, minimum: false },
  q4_1: { bits: 4, zero: 0, scaleBytes: 2, minimum: true },
  q5_0: { bits: 5, zero: 16, scaleBytes: 2, minimum: false },
  q5_1: { bits: 5, zero: 0, scaleBytes: 2, minimum: true },
  q8_0: { bits: 8, zero: 0, scaleBytes: 2, minimum: false },
  q4_k: { bits: 4, zero: 0, scaleBytes: 2, minimum: true, factors: "minimum" },
  q5_k: { bits: 5, zero: 0, scaleBytes: 2, minimum: true, factors: "minimum" },
  q6_k: { bits: 6, zero: 32, scaleBytes: 2, minimum: false, factors: "halves" },
  q4f16_1: { bits: 4, zero: 7, scaleBytes: 2, minimum: false },
  q4f32_1: { bits: 4, zero: 7, scaleBytes: 4, minimum: false },
};

/** Columns of a block: 256 where the groups of 32 have factors. */
function blockColumns(format: WeightFormat): number {
  if (format === "f32" || format === "f16" || format === "bf16") return 1;
  return BLOCKS[format].factors === undefined ? 32 : 256;
}

/** Columns of `groups` blocks, of groups of 32 in float formats. */
export function columnsOf(format: WeightFormat, groups: number): number {
  return groups * Math.max(32, blockColumns(format));
}

/** A random weight; rows beyond `rows` in the last block are zero bytes. */
export function randomWeight(
  random: Random,
  format: WeightFormat,
  rows: number,
  columns: number,
): ReferenceWeight {
  if (format === "bf16") return bfloatWeight(random, rows, columns);
  return format === "f32" || format === "f16"
    ? floatWeight(random, format, rows, columns)
    : quantizedWeight(random, format, rows, columns);
}

function floatWeight(random: Random, format: "f32" | "f16", rows: number, columns: number): ReferenceWeight {
  const blocks = Math.ceil(rows / 16);
  const packed =
    format === "f32" ? new Float32Array(blocks * columns * 16) : new Uint16Array(blocks * columns * 16);
  const values = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const drawn = Math.fround(random.next() - 0.5);
      const at = (Math.floor(row / 16) * columns + column) * 16 + (row % 16);
      packed[at] = format === "f32" ? drawn : numberToHalf(drawn);
      values[row * columns + column] = format === "f32" ? drawn : roundHalf(drawn);
    }
  }
  const packedDtype = format === "f32" ? "float32" : "float16";
  return { rows, columns, format, packed, packedShape: [blocks, columns, 16], packedDtype, values };
}

/** Pairs of columns, the first in the low half of 32 bits; the drawn value is cut off, which is a bfloat16 too. */
function bfloatWeight(random: Random, rows: number, columns: number): ReferenceWeight {
  const blocks = Math.ceil(rows / 16);
  const packed = new Uint8Array(blocks * columns * 32);
  const words = new DataView(packed.buffer);
  const values = new Float64Array(rows * columns);
  const float = new DataView(new ArrayBuffer(4));
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      float.setFloat32(0, random.next() - 0.5);
      float.setUint16(2, 0);
      const block = Math.floor(row / 16) * (columns / 2) + Math.floor(column / 2);
      words.setUint16(block * 64 + (row % 16) * 4 + (column % 2) * 2, float.getUint16(0), true);
      values[row * columns + column] = float.getFloat32(0);
    }
  }
  const packedShape: [number, number, number] = [blocks, columns / 2, 64];
  return { rows, columns, format: "bf16", packed, packedShape, packedDtype: "uint8", values };
}

function quantizedWeight(
  random: Random,
  format: QuantizedName,
  rows: number,
  columns: number,
): ReferenceWeight {
  const layout = BLOCKS[format];
  const { bits, zero, scaleBytes, minimum, factors } = layout;
  const wide = blockColumns(format);
  const [rowBlocks, blocks, groups] = [Math.ceil(rows / 16), columns / wide, wide / 32];
  const scalesBytes = 16 * scaleBytes * (minimum ? 2 : 1);
  const groupBytes = 64 * bits + (factors === undefined ? 0 : 32);
  const blockBytes = groups * groupBytes + scalesBytes;
  // Blocks of several groups begin with their scales, others end with them.
  const [scalesAt, groupsAt] = groups > 1 ? [0, scalesBytes] : [groupBytes, 0];
  const packed = new Uint8Array(rowBlocks * blocks * blockBytes);
  const view = new DataView(packed.buffer);
  const values = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const lane = row % 16;
      const start = (Math.floor(row / 16) * blocks + block) * blockBytes;
      const size = factors === undefined ? 1 : 1 / 32;
      const scaleAt = start + scalesAt + lane * scaleBytes;
      const scale = putScale(view, scaleAt, size * (0.01 + random.next() * 0.1), scaleBytes);
      const floor = minimum
        ? putScale(view, scaleAt + 16 * scaleBytes, -(2 ** (bits - 4)) * size * random.next(), scaleBytes)
        : 0;
      for (let group = 0; group < groups; group++) {
        const at = start + groupsAt + group * groupBytes;
        const drawn = drawFactors(random, factors);
        drawn.forEach((factor, which) => {
          view.setInt8(at + 64 * bits + which * 16 + lane, factor);
        });
        for (let column = 0; column < 32; column++) {
          const code = bits === 8 ? random.integer(255) - 127 : random.integer(2 ** bits);
          putCode(packed, at, lane, column, code, bits);
          const factor = drawn[factors === "halves" && column >= 16 ? 1 : 0] ?? 1;
          const offset = floor * (factors === "minimum" ? (drawn[1] ?? 1) : 1);
          values[row * columns + block * wide + group * 32 + column] =
            (code - zero) * (scale * factor) + offset;
        }
      }
    }
  }
  const packedShape: [number, number, number] = [rowBlocks, blocks, blockBytes];
  return { rows, columns, format, packed, packedShape, packedDtype: "uint8", values };
}

/** Stores a scale and returns it as it is stored. */
function putScale(view: DataView, at: number, value: number, scaleBytes: 2 | 4): number {
  if (scaleBytes === 4) {
    view.setFloat32(at, value, true);
    return view.getFloat32(at, true);
  }
  view.setUint16(at, numberToHalf(value), true);
  return halfToNumber(view.getUint16(at, true));
}

/** Signed scales of two halves, or a six-bit scale and minimum. */
function drawFactors(random: Random, factors: BlockFormat["factors"]): number[] {
  if (factors === undefined) return [];
  const draw = () => (factors === "halves" ? random.integer(256) - 128 : random.integer(64));
  return [draw(), draw()];
}

/** Stores a code of column 0 to 31 of the group that begins at `start`. */
function putCode(
  packed: Uint8Array,
  start: number,
  lane: number,
  column: number,
  code: number,
  bits: BlockFormat["bits"],
): void {
  const byte = lane * 4 + (column % 4);
  const run = Math.floor(column / 4);
  const put = (vector: number, value: number) => {
    const at = start + vector * 64 + byte;
    packed[at] = (packed[at] ?? 0) | value;
  };
  if (bits === 8) {
    put(run, code & 255);
    return;
  }
  put(Math.floor(run / 2), (code & 15) << (run % 2 === 0 ? 0 : 4));
  if (bits === 5) put(4, (code >> 4) << run);
  if (bits === 6) put(4 + Math.floor(run / 4), (code >> 4) << (2 * (run % 4)));
}
