// Dequantisation of ggml's K-quants (super-blocks of 256 values) to float32. Layouts: ggml-common.h (block_q2_K … block_q6_K).
// As in ggml-blocks.ts each value is rounded once and equals the reference bit for bit.
import { type BlockDecoder, readHalf } from "./ggml-blocks.js";

/**
 * 16 bytes of (4-bit scale, 4-bit minimum) for sub-blocks of 16, 64 bytes of 2-bit codes, f16 d, f16 dmin: q * d*s - dmin*m.
 * Codes: two halves of 128 values from 32 bytes each; bits 2k, 2k+1 of the bytes are values 32k to 32k+31 of the half.
 */
export const decodeQ2K: BlockDecoder = (bytes, at, blocks, out, outAt) => {
  for (let block = 0, from = at, to = outAt; block < blocks; block++, from += 84, to += 256) {
    const d = readHalf(bytes, from + 80);
    const dmin = readHalf(bytes, from + 82);
    for (let sub = 0; sub < 16; sub++) {
      const scales = bytes[from + sub] as number;
      const scale = d * (scales & 15);
      const minimum = dmin * (scales >> 4);
      const codes = from + 16 + (sub >> 3) * 32 + (sub & 1) * 16;
      const shift = ((sub >> 1) & 3) * 2;
      for (let i = 0; i < 16; i++)
        out[to + sub * 16 + i] = (((bytes[codes + i] as number) >> shift) & 3) * scale - minimum;
    }
  }
};

/**
 * 32 bytes of third bits (a set bit means no offset of -4), 64 bytes of 2-bit codes as in q2_k, 16 six-bit scales (offset 32)
 * in 12 bytes, f16 d: (q - 4 * !high) * d * (s - 32).
 */
export const decodeQ3K: BlockDecoder = (bytes, at, blocks, out, outAt) => {
  for (let block = 0, from = at, to = outAt; block < blocks; block++, from += 110, to += 256) {
    const d = readHalf(bytes, from + 108);
    for (let sub = 0; sub < 16; sub++) {
      const scale = d * (q3Scale(bytes, from + 96, sub) - 32);
      const codes = from + 32 + (sub >> 3) * 32 + (sub & 1) * 16;
      const highs = from + (sub & 1) * 16;
      const shift = ((sub >> 1) & 3) * 2;
      const bit = 1 << (sub >> 1);
      for (let i = 0; i < 16; i++) {
        const offset = (bytes[highs + i] as number) & bit ? 0 : 4;
        out[to + sub * 16 + i] = ((((bytes[codes + i] as number) >> shift) & 3) - offset) * scale;
      }
    }
  }
};

/** Low four bits of scale s: byte s % 8, nibble s / 8; its high two bits: byte 8 + s % 4, bit pair s / 4. */
function q3Scale(bytes: Uint8Array, at: number, sub: number): number {
  const low = ((bytes[at + (sub & 7)] as number) >> (4 * (sub >> 3))) & 15;
  const high = ((bytes[at + 8 + (sub & 3)] as number) >> (2 * (sub >> 2))) & 3;
  return low | (high << 4);
}

/** f16 d, f16 dmin, 8 six-bit (scale, minimum) in 12 bytes, 128 bytes of nibbles (64 values from 32 bytes, low first): q * d*s - dmin*m. */
export const decodeQ4K: BlockDecoder = (bytes, at, blocks, out, outAt) => {
  for (let block = 0, from = at, to = outAt; block < blocks; block++, from += 144, to += 256) {
    const d = readHalf(bytes, from);
    const dmin = readHalf(bytes, from + 2);
    for (let sub = 0; sub < 8; sub++) {
      const scale = d * subBlockScale(bytes, from + 4, sub);
      const minimum = dmin * subBlockMinimum(bytes, from + 4, sub);
      const codes = from + 16 + (sub >> 1) * 32;
      const shift = (sub & 1) * 4;
      for (let i = 0; i < 32; i++)
        out[to + sub * 32 + i] = (((bytes[codes + i] as number) >> shift) & 15) * scale - minimum;
    }
  }
};

/** As q4_k with 32 bytes of fifth bits (bit k: values 32k to 32k+31) between scales and nibbles. */
export const decodeQ5K: BlockDecoder = (bytes, at, blocks, out, outAt) => {
  for (let block = 0, from = at, to = outAt; block < blocks; block++, from += 176, to += 256) {
    const d = readHalf(bytes, from);
    const dmin = readHalf(bytes, from + 2);
    for (let sub = 0; sub < 8; sub++) {
      const scale = d * subBlockScale(bytes, from + 4, sub);
      const minimum = dmin * subBlockMinimum(bytes, from + 4, sub);
      const codes = from + 48 + (sub >> 1) * 32;
      const shift = (sub & 1) * 4;
      for (let i = 0; i < 32; i++) {
        const low = ((bytes[codes + i] as number) >> shift) & 15;
        const high = ((bytes[from + 16 + i] as number) >> sub) & 1;
        out[to + sub * 32 + i] = (low | (high << 4)) * scale - minimum;
      }
    }
  }
};

/** Six-bit scale of sub-block `sub` of q4_k and q5_k, whose 12 bytes of scales and minima begin at `at`: 0..3 whole in bytes 0..3; 4..7 low nibble of bytes 8..11, high bits atop bytes 0..3. */
export function subBlockScale(bytes: Uint8Array, at: number, sub: number): number {
  if (sub < 4) return (bytes[at + sub] as number) & 63;
  return ((bytes[at + 4 + sub] as number) & 15) | (((bytes[at + sub - 4] as number) >> 6) << 4);
}

/** Six-bit minimum of sub-block `sub`, likewise: 0..3 whole in bytes 4..7; 4..7 high nibble of bytes 8..11, high bits atop bytes 4..7. */
export function subBlockMinimum(bytes: Uint8Array, at: number, sub: number): number {
  if (sub < 4) return (bytes[at + 4 + sub] as number) & 63;
  return ((bytes[at + 4 + sub] as number) >> 4) | (((bytes[at + sub] as number) >> 6) << 4);
}

/**
 * 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed byte scales, f16 d: (q - 32) * d * s.
 * Each half of 128 values: low nibbles of 64 bytes are values 0..63, high nibbles 64..127; bit pair k of 32 bytes values 32k to 32k+31.
 */
export const decodeQ6K: BlockDecoder = (bytes, at, blocks, out, outAt) => {
  for (let block = 0, from = at, to = outAt; block < blocks; block++, from += 210, to += 256) {
    const d = readHalf(bytes, from + 208);
    for (let sub = 0; sub < 16; sub++) {
      const scale = d * (((bytes[from + 192 + sub] as number) << 24) >> 24);
      const half = sub >> 3;
      const lows = from + half * 64 + (sub & 3) * 16;
      const highs = from + 128 + half * 32 + (sub & 1) * 16;
      const lowShift = ((sub >> 2) & 1) * 4;
      const highShift = ((sub >> 1) & 3) * 2;
      for (let i = 0; i < 16; i++) {
        const low = ((bytes[lows + i] as number) >> lowShift) & 15;
        const high = ((bytes[highs + i] as number) >> highShift) & 3;
        out[to + sub * 16 + i] = ((low | (high << 4)) - 32) * scale;
      }
    }
  }
};
