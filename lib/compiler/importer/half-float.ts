/**
 * IEEE 754 half precision and bfloat16 as bit patterns in JavaScript numbers: the one place where these are converted.
 * Every half and every bfloat16 value is exact in float32, so widening loses nothing; narrowing rounds to nearest, ties to even.
 */

const floatBits = new Float32Array(1);
const floatWord = new Uint32Array(floatBits.buffer);

/** The float value of each of the 65,536 half-precision bit patterns. */
const HALF_VALUES: Float32Array = (() => {
  const table = new Float32Array(0x10000);
  for (let bits = 0; bits < 0x10000; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 0x3ff;
    if (exponent === 31) table[bits] = fraction === 0 ? sign * Infinity : NaN;
    else if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else table[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
})();

/** Float value of a half-precision bit pattern (0 to 65535). */
export function halfToFloat(bits: number): number {
  return HALF_VALUES[bits] as number;
}

/**
 * Half-precision bits of the float32 nearest to `value`, rounded to nearest even. Values beyond 65504 by half a step become
 * infinity, NaN stays NaN.
 */
export function floatToHalf(value: number): number {
  floatBits[0] = value;
  const word = floatWord[0] as number;
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude >= 0x47800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (magnitude >= 0x38800000) {
    // Normal: move the exponent bias from 127 to 15, round the 13 bits that go; a carry into the exponent is right.
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >>> 13);
  }
  if (magnitude < 0x33000000) return sign;
  // Subnormal: units of 2^-24, ties to even.
  const units = Math.abs(floatBits[0] as number) * 2 ** 24;
  const whole = Math.floor(units);
  const rest = units - whole;
  return sign | (rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? whole + 1 : whole);
}

/** `value` rounded to the nearest half-precision number (ties to even), as a float. */
export function roundToHalf(value: number): number {
  return HALF_VALUES[floatToHalf(value)] as number;
}

/** Float value of a bfloat16 bit pattern (0 to 65535). */
export function bfloat16ToFloat(bits: number): number {
  floatWord[0] = bits << 16;
  return floatBits[0] as number;
}
