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

/** Code of each column, scale and minimum of a group to its value, and the group's bytes. */
interface GroupFormat {
  readonly codeBytes: 256 | 512;
  readonly zero: number;
  readonly scaleBytes: 2 | 4;
  readonly minimum: boolean;
}

const GROUPS: Readonly<Record<Exclude<WeightFormat, "f32" | "f16">, GroupFormat>> = {
  q4_0: { codeBytes: 256, zero: 8, scaleBytes: 2, minimum: false },
  q4_1: { codeBytes: 256, zero: 0, scaleBytes: 2, minimum: true },
  q8_0: { codeBytes: 512, zero: 0, scaleBytes: 2, minimum: false },
  q4f16_1: { codeBytes: 256, zero: 7, scaleBytes: 2, minimum: false },
  q4f32_1: { codeBytes: 256, zero: 7, scaleBytes: 4, minimum: false },
};

/** A random weight; rows beyond `rows` in the last block are zero bytes. */
export function randomWeight(
  random: Random,
  format: WeightFormat,
  rows: number,
  columns: number,
): ReferenceWeight {
  return format === "f32" || format === "f16"
    ? floatWeight(random, format, rows, columns)
    : groupWeight(random, format, rows, columns);
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

function groupWeight(
  random: Random,
  format: Exclude<WeightFormat, "f32" | "f16">,
  rows: number,
  columns: number,
): ReferenceWeight {
  const { codeBytes, zero, scaleBytes, minimum } = GROUPS[format];
  const [blocks, groups] = [Math.ceil(rows / 16), columns / 32];
  const blockBytes = codeBytes + 16 * scaleBytes * (minimum ? 2 : 1);
  const packed = new Uint8Array(blocks * groups * blockBytes);
  const view = new DataView(packed.buffer);
  const values = new Float64Array(rows * columns);
  const putScale = (at: number, value: number): number => {
    if (scaleBytes === 4) {
      view.setFloat32(at, value, true);
      return view.getFloat32(at, true);
    }
    view.setUint16(at, numberToHalf(value), true);
    return halfToNumber(view.getUint16(at, true));
  };
  for (let row = 0; row < rows; row++) {
    for (let group = 0; group < groups; group++) {
      const lane = row % 16;
      const start = (Math.floor(row / 16) * groups + group) * blockBytes;
      const scale = putScale(start + codeBytes + lane * scaleBytes, 0.01 + random.next() * 0.1);
      const offset = minimum
        ? putScale(start + codeBytes + (16 + lane) * scaleBytes, -random.next())
        : -zero * scale;
      for (let column = 0; column < 32; column++) {
        const code = codeBytes === 512 ? random.integer(255) - 127 : random.integer(16);
        putCode(packed, start, lane, column, code, codeBytes);
        values[row * columns + group * 32 + column] = code * scale + offset;
      }
    }
  }
  return {
    rows,
    columns,
    format,
    packed,
    packedShape: [blocks, groups, blockBytes],
    packedDtype: "uint8",
    values,
  };
}

function putCode(
  packed: Uint8Array,
  start: number,
  lane: number,
  column: number,
  code: number,
  codeBytes: 256 | 512,
): void {
  if (codeBytes === 512) {
    packed[start + Math.floor(column / 4) * 64 + lane * 4 + (column % 4)] = code & 255;
    return;
  }
  const at = start + Math.floor(column / 8) * 64 + lane * 4 + (column % 4);
  const shift = column % 8 < 4 ? 0 : 4;
  packed[at] = (packed[at] ?? 0) | (code << shift);
}
