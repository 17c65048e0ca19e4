// Products of quantised weights with 8-bit activations, against a double-precision product of the values both stand for: every
// form this processor can run, formats, 1 to 33 tokens, tails, segments, epilogues.
import { beforeAll, describe, expect, it } from "vitest";
import {
  bestDotForm,
  canRun,
  DOT_FORMS,
  type DotFormName,
  type LinearOptions,
  linear,
  quantizeRows,
  rmsNorm,
} from "../../../lib/compiler/kernels/index.js";
import { cpuFeatures, loadCompilerLibrary, Tensor } from "../../../lib/ffi/index.js";
import { WEIGHT_FORMAT_NAMES, type WeightFormat } from "../../../lib/package/weight-format.js";
import { float32, Kernel, packedTensor, relativeError } from "../../support/kernel-library.js";
import { Random } from "../../support/random.js";
import { quantizeActivations } from "../../support/reference/activation.js";
import { referenceLinear } from "../../support/reference/linear.js";
import { columnsOf, type ReferenceWeight, randomWeight } from "../../support/reference/rows16.js";

beforeAll(() => loadCompilerLibrary());

/** Rounding of float32 sums over groups: the largest error over the root mean square of the outputs. */
const TOLERANCE = 1e-5;

const FEATURES = new Set(cpuFeatures());

/** The forms this processor can run. */
const FORMS = DOT_FORMS.filter((form) => canRun(form, FEATURES));

interface Problem extends Omit<LinearOptions, "tokens" | "dot"> {
  readonly dot: DotFormName;
}

/** Integer products of random rows by both kernels; compares with the reference and row by row with one another. */
function check(problem: Problem, tokenCounts: readonly number[]): void {
  const random = new Random(1);
  const { columns, segments, bias, epilogue } = problem;
  const weights = segments.map(({ format, rows }) => randomWeight(random, format, rows, columns));
  const biases = bias ? segments.map(({ rows }) => random.floats(rows)) : [];
  const gated = epilogue === "silu-mul";
  const outputs = segments.reduce((sum, { rows }) => sum + rows, 0) / (gated ? 2 : 1);
  const many = new Kernel(linear({ ...problem, tokens: "n" }));
  const single = new Kernel(linear({ ...problem, tokens: 1 }));
  for (const tokens of tokenCounts) {
    const x = random.floats(tokens * columns);
    const { blocks, values } = quantizeActivations(x);
    const residual = epilogue === "residual" ? random.floats(tokens * outputs) : undefined;
    const rest = (first: number, count: number) => [
      ...weights.map(packedTensor),
      ...biases.map((bias) => float32(bias, [bias.length])),
      ...(residual
        ? [float32(residual.subarray(first * outputs, (first + count) * outputs), [count, outputs])]
        : []),
    ];
    const groups = columns / 32;
    const packed = (first: number, count: number) =>
      Tensor.from(
        blocks.subarray(first * groups * 12, (first + count) * groups * 12),
        [count, groups, 12],
        "int32",
      );
    const received = many.run([packed(0, tokens), ...rest(0, tokens)], [tokens, outputs]);
    const shared = residual ? { residual } : {};
    const expected = referenceLinear({ x: values, tokens, weights, gated, biases, ...shared });
    expect(relativeError(received, expected), `${tokens} tokens`).toBeLessThan(TOLERANCE);
    for (const token of new Set([0, tokens - 1])) {
      const row = received.slice(token * outputs, (token + 1) * outputs);
      const alone = single.run([packed(token, 1), ...rest(token, 1)], [1, outputs]);
      expect(alone, `token ${token} alone`).toEqual(row);
    }
  }
}

const one = (format: WeightFormat, rows: number) => [{ format, rows }];
const QUANTIZED = WEIGHT_FORMAT_NAMES.filter((name) => !["f32", "f16", "bf16"].includes(name));
/** Less code to compile, for what all tiles share. */
const SMALL_TILES = { tileTokens: 2, fewTileTokens: 2 };
const ALL_COUNTS = Array.from({ length: 33 }, (_, i) => i + 1);

/**
 * All formats for the best form. The others are compared with it for every format ("all forms"); here they get one of each kind of
 * codes.
 */
const formatsFor = (dot: DotFormName) => (dot === FORMS[0] ? QUANTIZED : (["q4_0", "q8_0", "q6_k"] as const));

describe.runIf(FORMS.length > 0).each(FORMS)("%s", (dot) => {
  const formats = formatsFor(dot);

  it.each(formats)("multiplies %s weights with 1 to 33 tokens", (format) => {
    check({ columns: columnsOf(format, 3), segments: one(format, 64), dot }, ALL_COUNTS);
  });

  it.each(formats)("leaves out the padding of the last %s row block", (format) => {
    // One block, an incomplete one, a panel and an incomplete block: side by side in one kernel.
    const segments = [16, 7, 41].flatMap((rows) => one(format, rows));
    const columns = columnsOf(format, 1);
    check({ columns, segments, epilogue: "residual", dot, tuning: SMALL_TILES }, [1, 4, 9, 10, 23]);
  });

  it("leaves out the padding in tiles of every size", () => {
    check({ columns: 64, segments: one("q4_0", 41), epilogue: "residual", dot }, [1, 10, 23]);
  });

  it("joins segments of different formats, with biases", () => {
    const segments = [...one("q4_1", 48), ...one("q4_0", 20), ...one("q8_0", 32)];
    check({ columns: 64, segments, bias: true, dot, tuning: SMALL_TILES }, [1, 7, 20]);
    const kinds = [...one("q4_k", 48), ...one("q6_k", 20), ...one("q5_0", 32)];
    check({ columns: 512, segments: kinds, bias: true, dot, tuning: SMALL_TILES }, [1, 7]);
  });

  it("gates", () => {
    const segments = [...one("q4_0", 44), ...one("q8_0", 44)];
    check({ columns: 64, segments, epilogue: "silu-mul", dot, tuning: SMALL_TILES }, [1, 7, 20]);
  });

  it.each(formats)("gates with one %s weight of gates and ups in turns", (format) => {
    const shape = { columns: columnsOf(format, 2), segments: one(format, 96), epilogue: "silu-mul" } as const;
    check({ ...shape, dot, tuning: SMALL_TILES }, [1, 7, 20]);
  });

  it("gives the same bits however it is blocked", () => {
    const problem = { columns: 256, segments: one("q4_1", 1040), dot };
    check({ ...problem, tuning: { activationBytes: 1 << 12, panelBytes: 1 << 16 } }, [50]);
    check({ ...problem, tuning: { tileTokens: 5, tileRows: 16, fewTokens: 3, prefetchBytes: 0 } }, [4, 19]);
  });

  it.each([
    ["two weights", [96, 96]],
    ["one weight", [192]],
  ])("stores gated outputs of %s as activation blocks", (_, sizes) => {
    const random = new Random(3);
    const [columns, rows, tokens] = [64, 96, 11];
    const weights = sizes.map((size) => randomWeight(random, "q4_0", size, columns));
    const segments = sizes.flatMap((size) => one("q4_0", size));
    const { blocks } = quantizeActivations(random.floats(tokens * columns));
    const args = [Tensor.from(blocks, [tokens, columns / 32, 12], "int32"), ...weights.map(packedTensor)];
    const options = {
      columns,
      segments,
      epilogue: "silu-mul",
      tokens: "n",
      dot,
      tuning: SMALL_TILES,
    } as const;
    const plain = new Kernel(linear(options)).run(args, [tokens, rows]);
    const output = Tensor.empty([tokens, rows / 32, 12], "int32");
    new Kernel(linear({ ...options, output: "int8" })).library.getFunction("kernel").call(...args, output);
    expect(output.view()).toEqual(quantizeActivations(plain).blocks);
  });

  it.each(formats)("quantises its input for %s weights", (format) => {
    const random = new Random(5);
    const columns = columnsOf(format, 3);
    const weight = packedTensor(randomWeight(random, format, 32, columns));
    const x = random.floats(columns);
    const blocks = Tensor.from(quantizeActivations(x).blocks, [1, columns / 32, 12], "int32");
    const options = { columns, segments: one(format, 32), tokens: 1, dot } as const;
    const expected = new Kernel(linear(options)).run([blocks, weight], [1, 32]);
    const inside = new Kernel(linear({ ...options, input: "float32" }));
    expect(inside.run([float32(x, [1, columns]), weight], [1, 32])).toEqual(expected);
  });

  it("normalises its input", () => {
    const random = new Random(4);
    const columns = 96;
    const weight = randomWeight(random, "q4_0", 32, columns);
    const [x, norm] = [random.floats(columns, 3), random.floats(columns)];
    const inputs = [float32(x, [1, columns]), float32(norm, [columns])];
    const blocks = Tensor.empty([1, columns / 32, 12], "int32");
    const epsilon = 1e-5;
    const normed = new Kernel(rmsNorm({ columns, epsilon, tokens: "n", output: "int8" }));
    normed.library.getFunction("kernel").call(...inputs, blocks);
    const options = { columns, segments: one("q4_0", 32), tokens: 1, dot } as const;
    const expected = new Kernel(linear(options)).run([blocks, packedTensor(weight)], [1, 32]);
    const fused = new Kernel(linear({ ...options, input: "norm", epsilon }));
    expect(fused.run([...inputs, packedTensor(weight)], [1, 32])).toEqual(expected);
  });
});

describe("all forms", () => {
  const [rows, tokens] = [32, 13];
  const compiled = new Map<WeightFormat, Kernel[]>();

  function kernels(format: WeightFormat): Kernel[] {
    const columns = columnsOf(format, 2);
    const options = { columns, segments: one(format, rows), tokens: "n", tuning: SMALL_TILES } as const;
    const made = compiled.get(format) ?? FORMS.map((dot) => new Kernel(linear({ ...options, dot })));
    compiled.set(format, made);
    return made;
  }

  /** The outputs of every form. */
  function outputs(weight: ReferenceWeight, x: Float32Array): Float32Array[] {
    const shape = [tokens, weight.columns / 32, 12];
    const blocks = Tensor.from(quantizeActivations(x).blocks, shape, "int32");
    const args = [blocks, packedTensor(weight)];
    return kernels(weight.format).map((kernel) => kernel.run(args, [tokens, rows]));
  }

  it.each(QUANTIZED)("give the same bits for %s weights", (format) => {
    const random = new Random(6);
    const weight = randomWeight(random, format, rows, columnsOf(format, 2));
    const [first, ...others] = outputs(weight, random.floats(tokens * weight.columns));
    for (const other of others) expect(other).toEqual(first);
  });

  it.each([
    ["q4_0", 0xff, 7],
    ["q4_0", 0x00, -8],
    ["q8_0", 0x80, -128],
    ["q8_0", 0x7f, 127],
    ["q5_0", 0xff, 15],
    ["q6_k", 0xff, 31],
    ["q6_k", 0x00, -32],
  ] as const)("add %s codes %i without overflow", (format, byte, value) => {
    const columns = columnsOf(format, 2);
    const weight = randomWeight(new Random(7), format, rows, columns);
    const packed = new Uint8Array(weight.packed.length);
    const view = new DataView(packed.buffer);
    const [groups, bits] = [format === "q6_k" ? 8 : 1, Number(format[1])];
    const [groupBytes, blockBytes] = [bits * 64 + (groups > 1 ? 32 : 0), weight.packedShape[2]];
    for (let block = 0; block < packed.length; block += blockBytes) {
      const [scales, first] = groups > 1 ? [block, block + 32] : [block + groupBytes, block];
      for (let group = first; group < first + groups * groupBytes; group += groupBytes) {
        packed.fill(byte, group, group + bits * 64);
        packed.fill(1, group + bits * 64, group + groupBytes);
      }
      for (let row = 0; row < 16; row++) view.setUint16(scales + row * 2, 0x3c00, true);
    }
    // The largest activation codes, all of one sign in a row of x: 127, -127.
    const x = Float32Array.from({ length: tokens * columns }, (_, i) =>
      Math.floor(i / columns) % 2 ? -127 : 127,
    );
    const expected = Float32Array.from({ length: tokens * rows }, (_, i) =>
      Math.floor(i / rows) % 2 ? value * columns * -127 : value * columns * 127,
    );
    for (const received of outputs({ ...weight, packed }, x)) expect(received).toEqual(expected);
  });
});

describe("the best form of a processor", () => {
  it.each([
    [["avx2", "avx512bw", "avx512f", "avx512vl", "avx512vnni"], "vnni512"],
    [["avx2", "avxvnni"], "vnni256"],
    [["avx2", "avx512bw", "avx512f", "avx512vl"], "avx2"],
    [["avx", "sse4.2"], undefined],
    [["dotprod", "neon"], "neon-dotprod"],
    [["neon"], undefined],
  ])("%j: %s", (features, form) => {
    expect(bestDotForm(new Set(features))).toBe(form);
  });
});

describe("activation blocks", () => {
  it("of any row are those of the definition", () => {
    const columns = 128;
    const x = new Random(9).floats(5 * columns, 4);
    x.fill(0, columns, columns + 32);
    x.fill(1e-38, columns + 32, columns + 64);
    x[2 * columns] = 1e30;
    const output = Tensor.empty([5, columns / 32, 12], "int32");
    new Kernel(quantizeRows({ columns })).library
      .getFunction("kernel")
      .call(float32(x, [5, columns]), output);
    const { blocks } = quantizeActivations(x);
    expect(output.view()).toEqual(blocks);
  });
});

it("refuses what integer products cannot do", () => {
  const error = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" });
  const options = { columns: 32, tokens: "n", dot: "vnni512" } as const;
  expect(() => linear({ ...options, segments: one("f16", 16) })).toThrow(error);
  expect(() => linear({ ...options, segments: one("q4_0", 16), input: "norm" })).toThrow(error);
  expect(() => linear({ ...options, segments: one("q4_0", 32), output: "int8" })).toThrow(error);
  expect(() => linear({ columns: 32, tokens: 1, segments: one("q4_0", 32), input: "norm" })).toThrow(error);
});
