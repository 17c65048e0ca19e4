/**
 * ggml's q4_0, q4_1 and q8_0 blocks to row blocks, code for code and scale for scale: how a quantised source is kept.
 * Layout of a ggml block of 32 values (ggml-common.h): f16 d, (q4_1: f16 m,) then 16 bytes whose low nibbles are values 0..15 and high
 * nibbles values 16..31, or 32 signed bytes (q8_0).
 */
import { MlcError } from "../../errors.js";
import { BLOCK_SIZES } from "../importer/ggml-types.js";
import { halfToFloat } from "../importer/half-float.js";
import { GROUP_SIZE } from "./format.js";
import type { RowBlock } from "./row-block.js";

/** Formats that exist in GGUF files with the numerics of ours. */
export type GgmlFormat = "q4_0" | "q4_1" | "q8_0";

/** Bytes of one row of `columns` values (a multiple of 32). */
export function ggmlRowBytes(format: GgmlFormat, columns: number): number {
  return (columns / GROUP_SIZE) * BLOCK_SIZES[format].bytes;
}

/**
 * Copies `rows` rows that start at `bytes[at]` into rows 0.. of `block`, whose format names the ggml type.
 * Errors: ERR_INVALID_MODEL for a scale that is no finite number.
 */
export function readGgmlRows(
  bytes: Uint8Array,
  at: number,
  block: RowBlock,
  rows: number,
  format: GgmlFormat,
): void {
  const hasMinimum = format === "q4_1";
  const stride = BLOCK_SIZES[format].bytes;
  const groups = rows * block.groups;
  for (let group = 0, offset = at; group < groups; group++, offset += stride) {
    const scale = readHalf(bytes, offset);
    const minimum = hasMinimum ? readHalf(bytes, offset + 2) : 0;
    if (!Number.isFinite(scale) || !Number.isFinite(minimum)) {
      throw new MlcError(
        "ERR_INVALID_MODEL",
        `Expected finite scales in a ${format} block but received ${scale} and ${minimum}: the source file is damaged.`,
      );
    }
    block.scales[group] = scale;
    block.minima[group] = minimum;
    const codeStart = group * GROUP_SIZE;
    if (format === "q8_0") block.codes.set(bytes.subarray(offset + 2, offset + stride), codeStart);
    else splitNibbles(bytes, offset + (hasMinimum ? 4 : 2), block.codes, codeStart);
  }
}

function splitNibbles(bytes: Uint8Array, at: number, codes: Uint8Array, codeStart: number): void {
  for (let i = 0; i < GROUP_SIZE / 2; i++) {
    const pair = bytes[at + i] as number;
    codes[codeStart + i] = pair & 15;
    codes[codeStart + i + GROUP_SIZE / 2] = pair >> 4;
  }
}

function readHalf(bytes: Uint8Array, at: number): number {
  return halfToFloat((bytes[at] as number) | ((bytes[at + 1] as number) << 8));
}
