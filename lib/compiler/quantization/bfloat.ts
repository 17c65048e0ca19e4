/** bfloat16, the upper half of a float32: rounding to it. */

/** Bits of the bfloat16 nearest to a float32 of these bits, halves to even. A NaN may become an infinity; both are refused later. */
export function floatBitsToBfloat(bits: number): number {
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** The bfloat16 nearest to `value` (as a float32), halves to even. */
export function roundToBfloat(value: number): number {
  scratch[0] = value;
  scratchBits[0] = floatBitsToBfloat(scratchBits[0] as number) << 16;
  return scratch[0] as number;
}
