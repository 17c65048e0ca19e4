/** Functions of scalars that every code generator for GPUs has, and conversions of halves for those without the type. */
import { int, type PrimExpr, select } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";
import { bitAnd, bitOr, operation, reinterpret, shiftLeft, shiftRight } from "../../ir/vector.js";

/** 2^x. */
export function exp2(x: PrimExpr): PrimExpr {
  return operation("tirx.exp2", x.dtype, [x]);
}

export function squareRoot(x: PrimExpr): PrimExpr {
  return operation("tirx.sqrt", x.dtype, [x]);
}

export function sine(x: PrimExpr): PrimExpr {
  return operation("tirx.sin", x.dtype, [x]);
}

export function cosine(x: PrimExpr): PrimExpr {
  return operation("tirx.cos", x.dtype, [x]);
}

export function tanh(x: PrimExpr): PrimExpr {
  return operation("tirx.tanh", x.dtype, [x]);
}

/** x * sigmoid(x) of float32. */
export function silu(x: PrimExpr): PrimExpr {
  return x.div(operation("tirx.exp", x.dtype, [x.mul(-1)]).add(1));
}

/** The exact GELU (arXiv 1606.08415) of float32: x times the normal distribution function. */
export function gelu(x: PrimExpr): PrimExpr {
  return x.mul(0.5).mul(operation("tirx.erf", x.dtype, [x.mul(Math.SQRT1_2)]).add(1));
}

const SIGN = 0x8000;
const MAGNITUDE = 0x7fff;
/** Significand bits of a float32 that a half lacks. */
const EXTRA_BITS = 13;
/** Ratio of a float32 to the half of the same bits `<< 13`: the difference of the exponents' biases is 112. */
const BIAS_RATIO = 2 ** 112;
/** The float32 0.5. */
const HALF_BITS = 0x3f000000;
/** Bits of the largest half (65504) and of infinity. */
const INFINITY_BITS = 0x7c00;

/**
 * The half whose bits are the low 16 of an int32, as float32: exact for all finite halves. Without the type its bits are moved to their
 * places in a float32 and its exponent is corrected by an exact product.
 */
export function halfToFloat(bits: PrimExpr, half: boolean): PrimExpr {
  if (half) return reinterpret(bits.cast("uint16"), "float16").cast("float32");
  const magnitude = shiftLeft(bitAnd(bits, MAGNITUDE), EXTRA_BITS);
  const sign = shiftLeft(bitAnd(bits, SIGN), 16);
  return reinterpret(bitOr(magnitude, sign), "float32").mul(BIAS_RATIO);
}

/**
 * The bits of the half next to a float32 (halves to even), as uint16; beyond the largest half infinity. Without the type: for a result
 * that is a normal half, rounding is integer addition; adding a power of two does it for smaller ones (the method of F. Giesen's
 * float_to_half_fast3_rtne).
 */
export function floatToHalf(block: Block, value: PrimExpr, half: boolean): PrimExpr {
  if (half) return reinterpret(value.cast("float16"), "uint16");
  const bits = block.bind("bits", reinterpret(value, "int32"));
  const sign = bitAnd(shiftRight(bits, 16), SIGN);
  const magnitude = block.bind("magnitude", bitAnd(bits, 0x7fffffff));
  const odd = bitAnd(shiftRight(magnitude, EXTRA_BITS), 1);
  const rounded = magnitude
    .sub(112 << 23)
    .add(odd)
    .add(0xfff);
  const normal = shiftRight(rounded, EXTRA_BITS).min(INFINITY_BITS);
  // 0.5 has the last bit of a half below 2^-14 as the last of its significand.
  const tiny = reinterpret(reinterpret(magnitude, "float32").add(0.5), "int32").sub(HALF_BITS);
  const isNormal = magnitude.ge(113 << 23);
  const finite = select(isNormal, normal, tiny);
  return bitOr(sign, select(magnitude.gt(0x7f800000), int(INFINITY_BITS + 1, "int32"), finite)).cast(
    "uint16",
  );
}
