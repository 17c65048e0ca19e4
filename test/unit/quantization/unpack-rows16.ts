import { halfToFloat } from "../../../lib/compiler/importer/half-float.js";
import type { WeightFormat } from "../../../lib/compiler/quantization/format.js";

/**
 * The packed layout read element by element from the drawing in docs/package-format.md, on purpose without the packer's tables:
 * value of row n, column k of a weight with `columns` columns.
 */
export function unpackValue(
  packed: Uint8Array,
  format: WeightFormat,
  columns: number,
  n: number,
  k: number,
): number {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const [block, lane] = [Math.floor(n / 16), n % 16];
  const half = (at: number) => halfToFloat(view.getUint16(at, true));
  if (format === "f32") return view.getFloat32(((block * columns + k) * 16 + lane) * 4, true);
  if (format === "f16") return half(((block * columns + k) * 16 + lane) * 2);
  if (format === "bf16") {
    const at = ((block * (columns / 2) + Math.floor(k / 2)) * 16 + lane) * 4 + (k % 2) * 2;
    const word = new DataView(new ArrayBuffer(4));
    word.setUint16(0, view.getUint16(at, true));
    return word.getFloat32(0);
  }
  if (format === "q4_k" || format === "q5_k" || format === "q6_k") {
    const [bytes, groupBytes, first] = {
      q4_k: [2368, 288, 64],
      q5_k: [2880, 352, 64],
      q6_k: [3360, 416, 32],
    }[format] as [number, number, number];
    const start = (block * (columns / 256) + Math.floor(k / 256)) * bytes;
    const group = start + first + Math.floor((k % 256) / 32) * groupBytes;
    const bits = Number(format[1]);
    const code = unpackCode(view, group, bits, lane, k % 32);
    const scale = half(start + lane * 2);
    const factors = group + bits * 64;
    // One rounding, as of a product of double precision.
    if (format === "q6_k")
      return (code - 32) * (scale * view.getInt8(factors + (k % 32 < 16 ? 0 : 16) + lane));
    const minimum = half(start + 32 + lane * 2) * view.getUint8(factors + 16 + lane);
    return code * (scale * view.getUint8(factors + lane)) + minimum;
  }
  const bytes = { q4_0: 288, q4_1: 320, q5_0: 352, q5_1: 384, q8_0: 544, q4f16_1: 288, q4f32_1: 320 }[format];
  const start = (block * (columns / 32) + Math.floor(k / 32)) * bytes;
  const column = k % 32;
  if (format === "q8_0") {
    const code = view.getInt8(start + Math.floor(column / 4) * 64 + lane * 4 + (column % 4));
    return code * half(start + 512 + lane * 2);
  }
  const bits = format === "q5_0" || format === "q5_1" ? 5 : 4;
  const code = unpackCode(view, start, bits, lane, column);
  switch (format) {
    case "q4_0":
      return (code - 8) * half(start + 256 + lane * 2);
    case "q4_1":
      return code * half(start + 256 + lane * 2) + half(start + 288 + lane * 2);
    case "q5_0":
      return (code - 16) * half(start + 320 + lane * 2);
    case "q5_1":
      return code * half(start + 320 + lane * 2) + half(start + 352 + lane * 2);
    case "q4f16_1":
      return (code - 7) * half(start + 256 + lane * 2);
    case "q4f32_1":
      return (code - 7) * view.getFloat32(start + 256 + lane * 4, true);
    default:
      return format satisfies never;
  }
}

/** A code of 4, 5 or 6 bits of column 0 to 31 of the group that begins at byte `start`. */
function unpackCode(view: DataView, start: number, bits: number, lane: number, column: number): number {
  const [word, byte] = [Math.floor(column / 4), lane * 4 + (column % 4)];
  const nibbles = view.getUint8(start + Math.floor(column / 8) * 64 + byte);
  const low = column % 8 < 4 ? nibbles & 15 : nibbles >> 4;
  if (bits === 5) return low + (((view.getUint8(start + 256 + byte) >> word) & 1) << 4);
  if (bits === 6) {
    const pairs = view.getUint8(start + 256 + Math.floor(column / 16) * 64 + byte);
    return low + (((pairs >> (2 * (word % 4))) & 3) << 4);
  }
  return low;
}

/** All rows of a packed weight, padding included: [16 * ceil(rows / 16), columns]. */
export function unpackAll(
  packed: Uint8Array,
  format: WeightFormat,
  rows: number,
  columns: number,
): Float32Array {
  const padded = Math.ceil(rows / 16) * 16;
  return Float32Array.from({ length: padded * columns }, (_, i) =>
    unpackValue(packed, format, columns, Math.floor(i / columns), i % columns),
  );
}
