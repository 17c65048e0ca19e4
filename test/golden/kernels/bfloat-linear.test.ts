// bfloat16 dot products against a double-precision reference on rounded activations: sizes with tails, epilogues, both forms.
import { beforeAll, describe, expect, it } from "vitest";
import { buildPrimFuncs } from "../../../lib/compiler/codegen/build.js";
import { resolveTarget } from "../../../lib/compiler/codegen/target.js";
import { printScript } from "../../../lib/compiler/ir/inspect.js";
import { type LinearOptions, linear } from "../../../lib/compiler/kernels/index.js";
import { cpuFeatures, loadCompilerLibrary } from "../../../lib/ffi/index.js";
import { assembly, basicBlocks, sums } from "../../support/assembly.js";
import { float32, floats, Kernel, packedTensor, relativeError } from "../../support/kernel-library.js";
import { Random } from "../../support/random.js";
import { referenceLinear } from "../../support/reference/linear.js";
import { randomWeight } from "../../support/reference/rows16.js";

beforeAll(() => loadCompilerLibrary());

const TOLERANCE = 1e-5;
const X86_BFLOAT = "cpu:znver4@x86_64-unknown-linux-gnu";

/** The bfloat16 nearest to `value`, by arithmetic: 8 significant bits, halves to even. */
function rounded(value: number): number {
  if (value === 0) return 0;
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(value))) - 7);
  const [low, steps] = [Math.floor(value / unit), value / unit];
  const rest = steps - low;
  return (rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low) * unit;
}

/** Runs both forms on random rows, multiples of `step`; compares with the reference, and every row with itself alone. */
function check(
  shape: Omit<LinearOptions, "tokens" | "bfloatDot">,
  tokenCounts: readonly number[],
  step = 2 ** -20,
): void {
  const random = new Random(1);
  const { columns, segments, bias, epilogue } = shape;
  const weights = segments.map(({ rows }) => randomWeight(random, "bf16", rows, columns));
  const biases = bias ? segments.map(({ rows }) => random.floats(rows)) : [];
  const gated = epilogue === "silu-mul";
  const outputs = segments.reduce((sum, { rows }) => sum + rows, 0) / (gated ? 2 : 1);
  const bfloatDot = "avx512bf16";
  const single = new Kernel(linear({ ...shape, bfloatDot, tokens: 1 }));
  const many = new Kernel(linear({ ...shape, bfloatDot, tokens: "n" }));
  for (const tokens of tokenCounts) {
    const x = random.floats(tokens * columns).map((value) => Math.round(value / step) * step);
    const residual = epilogue === "residual" ? random.floats(tokens * outputs) : undefined;
    const args = (first: number, count: number) => [
      float32(x.subarray(first * columns, (first + count) * columns), [count, columns]),
      ...weights.map(packedTensor),
      ...biases.map((values) => float32(values, [values.length])),
      ...(residual
        ? [float32(residual.subarray(first * outputs, (first + count) * outputs), [count, outputs])]
        : []),
    ];
    const received = many.run(args(0, tokens), [tokens, outputs]);
    const expected = referenceLinear({
      x: x.map(rounded),
      tokens,
      weights,
      gated,
      biases,
      ...(residual ? { residual } : {}),
    });
    expect(relativeError(received, expected), `${tokens} tokens`).toBeLessThan(TOLERANCE);
    for (let token = 0; token < tokens; token++) {
      const alone = single.run(args(token, 1), [1, outputs]);
      expect(alone, `token ${token} alone`).toEqual(received.slice(token * outputs, (token + 1) * outputs));
    }
  }
}

const one = (rows: number) => [{ format: "bf16" as const, rows }];
const COUNTS = Array.from({ length: 33 }, (_, index) => index + 1);

describe.runIf(cpuFeatures().includes("avx512bf16"))("avx512bf16", () => {
  it("multiplies any number of tokens, each with the bits it has alone", () => {
    check({ columns: 96, segments: one(64) }, COUNTS);
  });

  it("rounds halves to even", () => {
    check({ columns: 64, segments: one(32) }, [1, 9], 2 ** -9);
  });

  it.each([2, 30, 34, 62, 172])("takes %i columns", (columns) => {
    check({ columns, segments: one(41) }, [1, 10]);
  });

  it("adds a bias or a residual, also in an incomplete row block", () => {
    check({ columns: 64, segments: [...one(48), ...one(20), ...one(7)], bias: true }, [1, 9]);
    check({ columns: 64, segments: one(45), epilogue: "residual" }, [1, 11]);
  });

  it("gates two weights or one of gates and ups in turns", () => {
    check({ columns: 64, segments: [...one(28), ...one(28)], epilogue: "silu-mul" }, [1, 9]);
    check({ columns: 64, segments: one(96), epilogue: "silu-mul" }, [1, 9]);
  });

  it("stands in several kernels of one module", () => {
    const options = { columns: 64, segments: one(64), bfloatDot: "avx512bf16" } as const;
    const kernels = { one: linear({ ...options, tokens: 1 }), many: linear({ ...options, tokens: "n" }) };
    const library = buildPrimFuncs(kernels, resolveTarget("cpu"));
    const random = new Random(1);
    const weight = packedTensor(randomWeight(random, "bf16", 64, 64));
    const x = float32(random.floats(64), [1, 64]);
    const [first, second] = Object.keys(kernels).map((name) => {
      const output = float32(new Float32Array(64).fill(Number.NaN), [1, 64]);
      library.getFunction(name).call(x, weight, output);
      return floats(output);
    });
    expect(first).not.toContain(Number.NaN);
    expect(second).toEqual(first);
  });
});

describe("code", () => {
  const options = { columns: 64, segments: one(64), bfloatDot: "avx512bf16" } as const;

  it.each([1, "n"] as const)(
    "for %s tokens is the two instructions, without a call of what gives them",
    (tokens) => {
      const text = assembly(linear({ ...options, tokens }), X86_BFLOAT);
      expect(text).toMatch(/vdpbf16ps.*%zmm/);
      expect(text).toMatch(/vcvtne2ps2bf16.*%zmm/);
      expect(text).not.toMatch(/mlc_/);
    },
  );

  it("multiplies many tokens with 16 sums in registers, nothing on the stack", () => {
    const text = assembly(linear({ ...options, tokens: "n" }), X86_BFLOAT);
    const tiles = basicBlocks(text).filter((block) => sums(block, /vdpbf16ps.*(%zmm\d+)$/gm) === 16);
    expect(tiles.length).toBeGreaterThan(0);
    for (const tile of tiles) expect(tile).not.toMatch(/\(%rsp/);
  });

  it("in TVMScript", async () => {
    const func = linear({ columns: 34, segments: one(16), tokens: 1, bfloatDot: "avx512bf16" });
    await expect(printScript(func)).toMatchFileSnapshot("snapshots/bfloat-linear.txt");
  });
});

it("refuses other weights and a second form", () => {
  const error = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" });
  const options = { columns: 32, tokens: 1, bfloatDot: "avx512bf16" } as const;
  expect(() => linear({ ...options, segments: [{ format: "f16", rows: 16 }] })).toThrow(error);
  expect(() => linear({ ...options, segments: one(16), dot: "avx2" })).toThrow(error);
});
