// The linear kernels for GPUs on OpenCL and Vulkan devices against the double-precision reference: formats, tails, segments, epilogues, and all
// three ways that the number of rows chooses among.
import { beforeAll, describe, expect, it } from "vitest";
import { linear } from "../../../lib/compiler/kernels/gpu/index.js";
import type { LinearOptions } from "../../../lib/compiler/kernels/index.js";
import { loadCompilerLibrary } from "../../../lib/ffi/index.js";
import { WEIGHT_FORMAT_NAMES, type WeightFormat } from "../../../lib/package/weight-format.js";
import { packedWords, type TestGpu, testCuda, testGpus } from "../../support/gpu-kernel.js";
import { float32, relativeError } from "../../support/kernel-library.js";
import { Random } from "../../support/random.js";
import { referenceLinear } from "../../support/reference/linear.js";
import { columnsOf, randomWeight } from "../../support/reference/rows16.js";

const TOLERANCE = 1e-5;
/** One, a few, and many of which the last tile is incomplete. */
const TOKENS = [1, 2, 8, 9, 70];

type Shape = Omit<LinearOptions, "tokens">;

function check(gpu: TestGpu, shape: Shape, tokenCounts: readonly number[] = TOKENS): void {
  const random = new Random(1);
  const { columns, segments, bias, epilogue } = shape;
  const weights = segments.map(({ format, rows }) => randomWeight(random, format, rows, columns));
  const biases = bias ? segments.map(({ rows }) => random.floats(rows)) : [];
  const gated = epilogue === "silu-mul";
  const outputs = segments.reduce((sum, { rows }) => sum + rows, 0) / (gated ? 2 : 1);
  const kernel = gpu.kernel(linear({ ...shape, tokens: "n" }, gpu.traits));
  for (const tokens of tokenCounts) {
    const x = random.floats(tokens * columns);
    const residual = epilogue === "residual" ? random.floats(tokens * outputs) : undefined;
    const args = [
      float32(x, [tokens, columns]),
      ...weights.map(packedWords),
      ...biases.map((values) => float32(values, [values.length])),
      ...(residual ? [float32(residual, [tokens, outputs])] : []),
    ];
    const received = kernel.run(args, [tokens, outputs]);
    const problem = { x, tokens, weights, gated, biases, ...(residual ? { residual } : {}) };
    expect(relativeError(received, referenceLinear(problem)), `${tokens} tokens`).toBeLessThan(TOLERANCE);
  }
}

const one = (format: WeightFormat, rows: number) => [{ format, rows }];

describe.each([...testGpus(), ...testCuda()])("a linear kernel for $kind", (gpu) => {
  beforeAll(() => loadCompilerLibrary());

  it.each(WEIGHT_FORMAT_NAMES)("multiplies by %s weights, with an incomplete last row block", (format) => {
    check(gpu, { columns: columnsOf(format, 3), segments: one(format, 71) });
  });

  it("takes columns that are no multiple of the tile's", () => {
    for (const format of ["f32", "f16", "bf16"] as const)
      check(gpu, { columns: 44, segments: one(format, 20) });
  });

  it("sets the outputs of several weights side by side, with biases", () => {
    const segments = [...one("q4_1", 64), ...one("q8_0", 20), ...one("f16", 33)];
    check(gpu, { columns: 96, segments, bias: true });
  });

  it("adds a residual", () => {
    check(gpu, { columns: 64, segments: one("q4_0", 45), epilogue: "residual" });
  });

  it("gates by two weights, and by one whose row blocks take turns", () => {
    check(gpu, { columns: 64, segments: [...one("q4_0", 28), ...one("q4_0", 28)], epilogue: "silu-mul" });
    check(gpu, { columns: 64, segments: one("q4_1", 96), epilogue: "silu-mul" });
  });

  it("takes the GELU", () => {
    const columns = 64;
    const random = new Random(3);
    const weight = randomWeight(random, "f32", 32, columns);
    const x = random.floats(columns);
    const args = [float32(x, [1, columns]), packedWords(weight)];
    const options = { columns, segments: one("f32", 32), tokens: 1 } as const;
    const plain = gpu.kernel(linear(options, gpu.traits)).run(args, [1, 32]);
    const activated = gpu.kernel(linear({ ...options, epilogue: "gelu" }, gpu.traits)).run(args, [1, 32]);
    const expected = [...plain].map((value) => (value / 2) * (1 + errorFunction(value * Math.SQRT1_2)));
    expect(relativeError(activated, expected)).toBeLessThan(TOLERANCE);
  });
});

/** The error function by its Taylor series; enough terms for |x| below 5. */
function errorFunction(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
