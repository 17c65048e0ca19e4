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
  const bytes = { q4_0: 288, q4_1: 320, q8_0: 544, q4f16_1: 288, q4f32_1: 320 }[format];
  const start = (block * (columns / 32) + Math.floor(k / 32)) * bytes;
  const column = k % 32;
  if (format === "q8_0") {
    const code = view.getInt8(start + Math.floor(column / 4) * 64 + lane * 4 + (column % 4));
    return code * half(start + 512 + lane * 2);
  }
  const byte = view.getUint8(start + Math.floor(column / 8) * 64 + lane * 4 + (column % 4));
  const code = column % 8 < 4 ? byte & 15 : byte >> 4;
  switch (format) {
    case "q4_0":
      return (code - 8) * half(start + 256 + lane * 2);
    case "q4_1":
      return code * half(start + 256 + lane * 2) + half(start + 288 + lane * 2);
    case "q4f16_1":
      return (code - 7) * half(start + 256 + lane * 2);
    case "q4f32_1":
      return (code - 7) * view.getFloat32(start + 256 + lane * 4, true);
    default:
      return format satisfies never;
  }
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
