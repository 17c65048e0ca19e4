/**
 * Elementary functions of float vectors: polynomials after an exact reduction of the argument, so that no lane ever leaves the
 * vector unit. Errors are given relative to the exact value; test/golden/kernels/vector-math.test.ts measures them.
 */
import { withLanes } from "../ir/dtype.js";
import { float, type PrimExpr, select } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { bitAnd, multiplyAdd, reinterpret, roundToInteger, shiftLeft } from "../ir/vector.js";

/**
 * Coefficients of 2^f from the highest down: the minimax polynomial of degree 6 that is exact at 0 (Remez), below 3e-9 of the value
 * for |f| <= 0.5.
 */
const EXP2_COEFFICIENTS = [
  0.0001559467209569184, 0.0013406643587536332, 0.00961769299262506, 0.055503105519952495,
  0.24022652782749013, 0.6931472149674864, 1,
];

/** Taylor coefficients of e^r, from the highest down; below 1e-8 of the value for |r| <= ln(2) / 2. */
const EXP_COEFFICIENTS = [7, 6, 5, 4, 3, 2, 1, 0].map((k) => 1 / factorial(k));

/** ln(2) in two parts: the first has few bits, so that its product with a small integer is exact. */
const LN2_HIGH = 0.693359375;
const LN2_LOW = Math.LN2 - LN2_HIGH;

/** Stored bits of a float32 significand. */
const MANTISSA_BITS = 23;

/** Smallest exponent whose power of two is a normal float32. */
const MIN_EXPONENT = -126;

function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1);
}

/** `c[0] * x^n + ... + c[n]` by Horner's rule, in the type of `x`. */
function polynomial(x: PrimExpr, coefficients: readonly number[]): PrimExpr {
  const [first = 0, ...rest] = coefficients;
  return rest.reduce<PrimExpr>(
    (sum, coefficient) => multiplyAdd(sum, x, float(coefficient, x.element)),
    float(first, x.element),
  );
}

/** 2 to an integral float32 power between -126 and 127. */
function powerOfTwo(exponent: PrimExpr): PrimExpr {
  return reinterpret(shiftLeft(exponent.cast("int32").add(127), MANTISSA_BITS), exponent.dtype);
}

/** 2^x of float32 x <= 127: 0 below -126, relative error below 2e-7. */
export function exp2(block: Block, x: PrimExpr): PrimExpr {
  const clamped = block.bind("clamped", x.max(MIN_EXPONENT));
  const whole = block.bind("whole", roundToInteger(clamped));
  const fraction = block.bind("fraction", clamped.sub(whole));
  // Between 0.7 and 1.5: adding to the exponent multiplies by a power of two.
  const mantissa = reinterpret(polynomial(fraction, EXP2_COEFFICIENTS), withLanes("int32", x.lanes));
  const value = reinterpret(mantissa.add(shiftLeft(whole.cast("int32"), MANTISSA_BITS)), x.dtype);
  return block.bind("power", select(x.lt(MIN_EXPONENT), float(0).broadcast(x.lanes), value));
}

/** e^x of float32, relative error below 2e-7; the argument is held within [-87, 88]. */
export function exp(block: Block, x: PrimExpr): PrimExpr {
  const clamped = block.bind("clamped", x.max(-87).min(88));
  const whole = block.bind("whole", roundToInteger(clamped.mul(Math.LOG2E)));
  const high = multiplyAdd(whole, float(-LN2_HIGH), clamped);
  const rest = block.bind("rest", multiplyAdd(whole, float(-LN2_LOW), high));
  return block.bind("power", polynomial(rest, EXP_COEFFICIENTS).mul(powerOfTwo(whole)));
}

/** x * sigmoid(x) of float32. */
export function silu(block: Block, x: PrimExpr): PrimExpr {
  const decay = exp(block, float(0).broadcast(x.lanes).sub(x));
  return x.div(decay.add(1));
}

/** Coefficients of the complementary error function, from the highest down (Abramowitz and Stegun 7.1.26, error below 1.5e-7). */
const ERFC_COEFFICIENTS = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592, 0];
const ERFC_SCALE = 0.3275911;

/**
 * The exact GELU (arXiv 1606.08415) of float32: x times the normal distribution function, error below 2e-7 of |x|. Written as
 * `max(x, 0) - |x| erfc(|x| / sqrt(2)) / 2`, in which nothing cancels where x is far below 0.
 */
export function gelu(block: Block, x: PrimExpr): PrimExpr {
  const magnitude = block.bind("magnitude", x.max(x.mul(-1)));
  const one = float(1).broadcast(x.lanes);
  const t = block.bind("t", one.div(magnitude.mul(ERFC_SCALE * Math.SQRT1_2).add(1)));
  const decay = exp(block, magnitude.mul(magnitude).mul(-0.5));
  const tail = block.bind("tail", polynomial(t, ERFC_COEFFICIENTS).mul(decay));
  return x.max(0).sub(magnitude.mul(0.5).mul(tail));
}

/** Below this magnitude tanh is a polynomial: the quotient would cancel. */
const TANH_SMALL = 0.5;
/** Taylor coefficients of tanh(x) / x in x^2, from the highest down; below 2e-8 for |x| <= 0.5. */
const TANH_COEFFICIENTS = [
  -929569 / 638512875,
  21844 / 6081075,
  -1382 / 155925,
  62 / 2835,
  -17 / 315,
  2 / 15,
  -1 / 3,
  1,
];

/** tanh of float32, relative error below 3e-7: a polynomial near 0, elsewhere `(1 - e^-2|x|) / (1 + e^-2|x|)` with the sign of x. */
export function tanh(block: Block, x: PrimExpr): PrimExpr {
  const magnitude = block.bind("magnitude", x.max(x.mul(-1)));
  const decay = exp(block, magnitude.mul(-2));
  const one = float(1).broadcast(x.lanes);
  const quotient = block.bind("quotient", one.sub(decay).div(decay.add(1)));
  const far = select(x.lt(0), quotient.mul(-1), quotient);
  const near = polynomial(block.bind("square", x.mul(x)), TANH_COEFFICIENTS).mul(x);
  return block.bind("tanh", select(magnitude.lt(TANH_SMALL), near, far));
}

/** Odd and even Taylor coefficients of sine and cosine in r^2, from the highest down; below 1e-13 for |r| <= pi / 4. */
const SINE_COEFFICIENTS = [6, 5, 4, 3, 2, 1, 0].map((k) => (-1) ** k / factorial(2 * k + 1));
const COSINE_COEFFICIENTS = [7, 6, 5, 4, 3, 2, 1, 0].map((k) => (-1) ** k / factorial(2 * k));

/**
 * Sine and cosine of float32 angles (radians, magnitude below 1e8), as float32. Computed in double precision: reducing an angle
 * of a late position in float32 would cost its low digits.
 */
export function sineCosine(block: Block, angle: PrimExpr): { sine: PrimExpr; cosine: PrimExpr } {
  const wide = block.bind("wide", angle.cast("float64"));
  const turns = block.bind("turns", roundToInteger(wide.mul(2 / Math.PI)));
  const rest = block.bind("rest", multiplyAdd(turns, float(-Math.PI / 2, "float64"), wide));
  const square = block.bind("square", rest.mul(rest));
  const sine = block.bind("sine", polynomial(square, SINE_COEFFICIENTS).mul(rest));
  const cosine = block.bind("cosine", polynomial(square, COSINE_COEFFICIENTS));
  const quadrant = block.bind("quadrant", bitAnd(turns.cast("int32"), 3));
  const odd = bitAnd(quadrant, 1).eq(1);
  const negateSine = quadrant.ge(2);
  const negateCosine = bitAnd(quadrant.add(1), 2).eq(2);
  const signed = (value: PrimExpr, negate: PrimExpr) => select(negate, value.mul(-1), value).cast("float32");
  return {
    sine: signed(block.bind("magnitude", select(odd, cosine, sine)), negateSine),
    cosine: signed(block.bind("magnitude", select(odd, sine, cosine)), negateCosine),
  };
}
