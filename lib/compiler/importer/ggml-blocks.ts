// Dequantisation of ggml's blocks of 32 values, and of plain floats, to float32. Layouts: ggml-common.h (block_q4_0 … block_q8_0),
// all little endian. Every product of an f16 scale and a code is exact in double precision and each value is rounded to float32 once,
// so the results are those of the reference bit for bit.
import { halfToFloat } from "./half-float.js";

/**
 * Decodes `blocks` consecutive blocks at `bytes[at]` into `out[outAt]` and on.
 * The caller has checked that both ranges exist.
 */
export type BlockDecoder = (
  bytes: Uint8Array,
  at: number,
  blocks: number,
  out: Float32Array,
  outAt: number,
) => void;

/** The half-precision number at `bytes[at]`. */
export function readHalf(bytes: Uint8Array, at: number): number {
  return halfToFloat((bytes[at] as number) | ((bytes[at + 1] as number) << 8));
}

/** Plain float32: one value a block. Copied bytewise, for a source may lie at any address. */
export const decodeF32: BlockDecoder = (bytes, at, blocks, out, outAt) => {
  const target = new Uint8Array(out.buffer, out.byteOffset + outAt * 4, blocks * 4);
  target.set(bytes.subarray(at, at + blocks * 4));
};

/** Plain float16: one value a block. */
export const decodeF16: BlockDecoder = (bytes, at, blocks, out, outAt) => {
  for (let i = 0; i < blocks; i++) out[outAt + i] = readHalf(bytes, at + 2 * i);
};

/** Plain bfloat16: one value a block, the upper half of a float32. */
export const decodeBF16: BlockDecoder = (bytes, at, blocks, out, outAt) => {
  const words = new Uint32Array(out.buffer, out.byteOffset + outAt * 4, blocks);
  for (let i = 0, from = at; i < blocks; i++, from += 2)
    words[i] = ((bytes[from] as number) << 16) | ((bytes[from + 1] as number) << 24);
};

/** f16 d, 16 bytes of nibbles (low: values 0..15, high: 16..31): (q - 8) * d. */
export const decodeQ4_0: BlockDecoder = (bytes, at, blocks, out, outAt) => {
  for (let block = 0, from = at, to = outAt; block < blocks; block++, from += 18, to += 32) {
    const d = readHalf(bytes, from);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[from + 2 + i] as number;
      out[to + i] = ((pair & 15) - 8) * d;
      out[to + 16 + i] = ((pair >> 4) - 8) * d;
    }
  }
};

/** f16 d, f16 m, 16 bytes of nibbles: q * d + m. */
export const decodeQ4_1: BlockDecoder = (bytes, at, blocks, out, outAt) => {
  for (let block = 0, from = at, to = outAt; block < blocks; block++, from += 20, to += 32) {
    const d = readHalf(bytes, from);
    const m = readHalf(bytes, from + 2);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[from + 4 + i] as number;
      out[to + i] = (pair & 15) * d + m;
      out[to + 16 + i] = (pair >> 4) * d + m;
    }
  }
};

/** f16 d, 32 fifth bits, 16 bytes of nibbles: (q - 16) * d. */
export const decodeQ5_0: BlockDecoder = (bytes, at, blocks, out, outAt) => {
  for (let block = 0, from = at, to = outAt; block < blocks; block++, from += 22, to += 32) {
    const d = readHalf(bytes, from);
    const high = readWord(bytes, from + 2);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[from + 6 + i] as number;
      out[to + i] = (((pair & 15) | (((high >>> i) & 1) << 4)) - 16) * d;
      out[to + 16 + i] = (((pair >> 4) | (((high >>> (i + 16)) & 1) << 4)) - 16) * d;
    }
  }
};

/** f16 d, f16 m, 32 fifth bits, 16 bytes of nibbles: q * d + m. */
export const decodeQ5_1: BlockDecoder = (bytes, at, blocks, out, outAt) => {
  for (let block = 0, from = at, to = outAt; block < blocks; block++, from += 24, to += 32) {
    const d = readHalf(bytes, from);
    const m = readHalf(bytes, from + 2);
    const high = readWord(bytes, from + 4);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[from + 8 + i] as number;
      out[to + i] = ((pair & 15) | (((high >>> i) & 1) << 4)) * d + m;
      out[to + 16 + i] = ((pair >> 4) | (((high >>> (i + 16)) & 1) << 4)) * d + m;
    }
  }
};

/** f16 d, 32 signed bytes: q * d. */
export const decodeQ8_0: BlockDecoder = (bytes, at, blocks, out, outAt) => {
  for (let block = 0, from = at, to = outAt; block < blocks; block++, from += 34, to += 32) {
    const d = readHalf(bytes, from);
    for (let i = 0; i < 32; i++) out[to + i] = (((bytes[from + 2 + i] as number) << 24) >> 24) * d;
  }
};

function readWord(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}
