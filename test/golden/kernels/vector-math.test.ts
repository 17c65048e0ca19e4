// The vector functions over their whole range: relative errors in float32.
import { beforeAll, expect, it } from "vitest";
import { Buffer } from "../../../lib/compiler/ir/buffer.js";
import { type PrimExpr, variable } from "../../../lib/compiler/ir/prim-expr.js";
import { primFunc } from "../../../lib/compiler/ir/prim-func.js";
import type { Block } from "../../../lib/compiler/ir/statement.js";
import { exp, exp2, gelu, silu, tanh } from "../../../lib/compiler/kernels/vector-math.js";
import { loadCompilerLibrary } from "../../../lib/ffi/index.js";
import { float32, Kernel } from "../../support/kernel-library.js";

beforeAll(() => loadCompilerLibrary());

/** `f` of each value, by a kernel. */
function evaluate(f: (block: Block, x: PrimExpr) => PrimExpr, values: readonly number[]): Float32Array {
  const n = variable("n");
  const [x, output] = [new Buffer("x", [n, 16], "float32"), new Buffer("output", [n, 16], "float32")];
  const func = primFunc([x, output], (body) => {
    body.serial("i", n, (block, i) => block.store(output, f(block, x.loadVector(16, i, 0)), i, 0));
  });
  const rows = Math.ceil(values.length / 16);
  const input = new Float32Array(rows * 16);
  input.set(values);
  return new Kernel(func).run([float32(input, [rows, 16])], [rows, 16]).subarray(0, values.length);
}

function worstError(received: Float32Array, values: readonly number[], exact: (x: number) => number): number {
  return values.reduce((worst, value, i) => {
    const expected = exact(Math.fround(value));
    const error = Math.abs((received[i] ?? Number.NaN) - expected) / Math.abs(expected);
    // NaN is the larger of any two.
    return Math.max(worst, error);
  }, 0);
}

const range = (from: number, to: number, count = 40_000) =>
  Array.from({ length: count }, (_, i) => Math.fround(from + ((to - from) * i) / (count - 1)));

it("exp2", () => {
  const values = range(-125.9, 127);
  expect(worstError(evaluate(exp2, values), values, (x) => 2 ** x)).toBeLessThan(2e-7);
  expect([...evaluate(exp2, [0, 1, -1, -126.5, -1e30, Number.NEGATIVE_INFINITY])]).toEqual([
    1, 2, 0.5, 0, 0, 0,
  ]);
});

it("exp", () => {
  const values = range(-86.9, 87.9);
  expect(worstError(evaluate(exp, values), values, Math.exp)).toBeLessThan(2e-7);
  const [one, low, high] = evaluate(exp, [0, -1e30, 1e30]);
  expect(one).toBe(1);
  expect(low).toBeLessThan(2e-38);
  expect(high).toBeGreaterThan(1e38);
});

/** erf by its series, in double: enough terms for |x| <= 6. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

it("gelu", () => {
  const values = range(-6, 6, 4000).filter((value) => value !== 0);
  const received = evaluate(gelu, values);
  // Relative to x: the result itself goes to zero below.
  const worst = values.reduce((most, x, i) => {
    const exact = (x / 2) * (1 + erf(x / Math.SQRT2));
    return Math.max(most, Math.abs((received[i] ?? Number.NaN) - exact) / Math.abs(x));
  }, 0);
  expect(worst).toBeLessThan(2e-7);
  const [zero, low, high] = evaluate(gelu, [0, -1e4, 1e4]);
  expect(zero).toBe(0);
  expect(Math.abs(low ?? Number.NaN)).toBeLessThan(1e-30);
  expect(high).toBe(1e4);
});

it("silu", () => {
  const values = range(-80, 80).filter((value) => value !== 0);
  expect(worstError(evaluate(silu, values), values, (x) => x / (1 + Math.exp(-x)))).toBeLessThan(4e-7);
  const [zero, low, high] = evaluate(silu, [0, -1e4, 1e4]);
  expect(zero).toBe(0);
  expect(Math.abs(low ?? Number.NaN)).toBeLessThan(1e-30);
  expect(high).toBe(1e4);
});

it("tanh", () => {
  for (const values of [range(-12, -1e-6), range(1e-6, 12), range(-0.6, -0.4), range(1e-20, 1e-3)])
    expect(worstError(evaluate(tanh, values), values, Math.tanh)).toBeLessThan(3e-7);
  expect([...evaluate(tanh, [0, 1e30, -1e30, Number.NEGATIVE_INFINITY])]).toEqual([0, 1, -1, -1]);
});
