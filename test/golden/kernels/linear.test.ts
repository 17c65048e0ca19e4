// The linear kernel against a double-precision reference: formats, sizes with tails, segments, epilogues, both forms.
import { beforeAll, describe, expect, it } from "vitest";
import { type LinearOptions, linear } from "../../../lib/compiler/kernels/index.js";
import { loadCompilerLibrary } from "../../../lib/ffi/index.js";
import { WEIGHT_FORMAT_NAMES, type WeightFormat } from "../../../lib/package/weight-format.js";
import { float32, Kernel, packedTensor, relativeError } from "../../support/kernel-library.js";
import { Random } from "../../support/random.js";
import { referenceLinear } from "../../support/reference/linear.js";
import { columnsOf, randomWeight } from "../../support/reference/rows16.js";

beforeAll(() => loadCompilerLibrary());

/** Rounding of sums of up to 1,536 float32 products: the largest error over the root mean square of the outputs. */
const TOLERANCE = 1e-5;

type Shape = Omit<LinearOptions, "tokens">;

/** Runs both forms on random data for the given token counts; compares with the reference and with one another. */
function check(shape: Shape, tokenCounts: readonly number[], target = "cpu"): void {
  const random = new Random(1);
  const { columns, segments, bias, epilogue } = shape;
  const weights = segments.map(({ format, rows }) => randomWeight(random, format, rows, columns));
  const biases = bias ? segments.map(({ rows }) => random.floats(rows)) : [];
  const gated = epilogue === "silu-mul";
  const outputs = segments.reduce((sum, { rows }) => sum + rows, 0) / (gated ? 2 : 1);
  const single = new Kernel(linear({ ...shape, tokens: 1 }), target);
  const many = new Kernel(linear({ ...shape, tokens: "n" }), target);
  for (const tokens of tokenCounts) {
    const x = random.floats(tokens * columns);
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
      x,
      tokens,
      weights,
      gated,
      biases,
      ...(residual ? { residual } : {}),
    });
    expect(relativeError(received, expected), `${tokens} tokens`).toBeLessThan(TOLERANCE);
    for (let token = 0; token < Math.min(tokens, 3); token++) {
      const alone = single.run(args(token, 1), [1, outputs]);
      expect(alone, `token ${token} alone`).toEqual(received.slice(token * outputs, (token + 1) * outputs));
    }
  }
}

const one = (format: WeightFormat, rows: number) => [{ format, rows }];

describe.each(WEIGHT_FORMAT_NAMES)("%s", (format) => {
  it("multiplies any number of tokens", () => {
    check({ columns: columnsOf(format, 3), segments: one(format, 64) }, [1, 2, 3, 5, 8, 13, 16, 31]);
  });

  it("leaves out the padding of the last row block", () => {
    check({ columns: columnsOf(format, 2), segments: one(format, 16) }, [1, 4]);
    check({ columns: columnsOf(format, 1), segments: one(format, 7) }, [1, 9]);
    check({ columns: columnsOf(format, 2), segments: one(format, 41) }, [1, 10]);
  });

  it("adds a residual, also in an incomplete row block", () => {
    check({ columns: columnsOf(format, 2), segments: one(format, 45), epilogue: "residual" }, [1, 11]);
  });

  it("gates, also in an incomplete row block", () => {
    check(
      {
        columns: columnsOf(format, 2),
        segments: [...one(format, 28), ...one(format, 28)],
        epilogue: "silu-mul",
      },
      [1, 9],
    );
  });

  it("gates with one weight of gates and ups in turns", () => {
    check({ columns: columnsOf(format, 2), segments: one(format, 96), epilogue: "silu-mul" }, [1, 9]);
  });
});

describe("segments", () => {
  it("of different sizes stand side by side, each with its bias", () => {
    const segments = [...one("f32", 48), ...one("f32", 20), ...one("f32", 16)];
    check({ columns: 40, segments, bias: true }, [1, 6]);
  });

  it("may have different formats", () => {
    const segments = [...one("q4_1", 48), ...one("f16", 20), ...one("q8_0", 32)];
    check({ columns: 64, segments, bias: true }, [1, 7]);
    check({ columns: 64, segments: [...one("q4_0", 32), ...one("f32", 32)], epilogue: "silu-mul" }, [1, 7]);
    const kinds = [...one("q4_k", 48), ...one("q6_k", 20), ...one("q5_0", 32), ...one("f16", 16)];
    check({ columns: 512, segments: kinds, bias: true }, [1, 7]);
  });

  it("of a model's size keep their sums exact enough", () => {
    check({ columns: 1536, segments: one("q4_1", 64), epilogue: "residual" }, [1, 17]);
  });
});

it.each([1, 3, 12, 172])("float weights may have %i columns", (columns) => {
  check({ columns, segments: one("f32", 24) }, [1, 10]);
  check({ columns, segments: one("f16", 24) }, [1, 10]);
});

it("narrow registers give the same results", () => {
  const segments = [...one("q4_1", 64), ...one("q4_1", 64)];
  check({ columns: 64, segments, epilogue: "silu-mul", vectorBits: 256 }, [1, 2, 3, 4, 5, 12]);
});

describe.runIf(process.arch === "x64").each(["x86-64", "x86-64-v2", "x86-64-v3"])("code for %s", (cpu) => {
  it.each(WEIGHT_FORMAT_NAMES)("multiplies %s", (format) => {
    check(
      { columns: columnsOf(format, 2), segments: one(format, 40), vectorBits: 256 },
      [1, 7],
      `cpu:${cpu}`,
    );
  });
});

it("uses no more stack for many tokens", () => {
  const kernel = new Kernel(linear({ columns: 2, segments: one("f32", 16), tokens: "n" }));
  const weight = randomWeight(new Random(1), "f32", 16, 2);
  const tokens = 400_000;
  const received = kernel.run(
    [float32(new Float32Array(tokens * 2).fill(1), [tokens, 2]), packedTensor(weight)],
    [tokens, 16],
  );
  expect(received.subarray(-16)).toEqual(received.subarray(0, 16));
});

it("refuses segments that do not fit the epilogue", () => {
  const error = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" });
  const options = { columns: 32, tokens: 1, epilogue: "silu-mul" } as const;
  expect(() => linear({ ...options, segments: one("f32", 16) })).toThrow(error);
  expect(() => linear({ ...options, segments: [...one("f32", 16), ...one("f32", 32)] })).toThrow(error);
  expect(() => linear({ ...options, epilogue: "none", segments: [] })).toThrow(error);
  expect(() => linear({ ...options, segments: [...one("f32", 16), ...one("f32", 16)], bias: true })).toThrow(
    error,
  );
  expect(() => linear({ ...options, columns: 320, epilogue: "none", segments: one("q6_k", 16) })).toThrow(
    error,
  );
  expect(() => linear({ ...options, columns: 40, epilogue: "none", segments: one("q4_0", 16) })).toThrow(
    error,
  );
});
