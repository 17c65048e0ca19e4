// Kernels for AArch64, run by an emulator of the processor: they give what the same kernels give on this machine, integer products
// to the last bit. Skipped where the emulator or the cross compiler is missing; the title says which.
import { beforeAll, describe, expect, it } from "vitest";
import {
  bestDotForm,
  type DotFormName,
  type LinearOptions,
  linear,
  quantizeRows,
  rmsNorm,
} from "../../../lib/compiler/kernels/index.js";
import { cpuFeatures, loadCompilerLibrary, Tensor } from "../../../lib/ffi/index.js";
import { AttentionLayer, AttentionRunner } from "../../support/attention-runner.js";
import { EmulatedKernel, missingForEmulation } from "../../support/emulated-kernel.js";
import { float32, Kernel, packedTensor, relativeError } from "../../support/kernel-library.js";
import { Random } from "../../support/random.js";
import { quantizeActivations } from "../../support/reference/activation.js";
import { referenceLinear } from "../../support/reference/linear.js";
import { randomWeight } from "../../support/reference/rows16.js";

beforeAll(() => loadCompilerLibrary());

const TOLERANCE = 1e-5;
const MISSING = missingForEmulation();
const TITLE = [
  "AArch64 by emulation",
  ...(MISSING.length > 0 ? [`(skipped: no ${MISSING.join(", ")})`] : []),
];

/** The form this machine does best, to compare with. */
const HOST_FORM: DotFormName | undefined = bestDotForm(new Set(cpuFeatures()));

describe.skipIf(MISSING.length > 0)(TITLE.join(" "), () => {
  it.each(["q4_0", "q4_1", "q8_0", "q6_k"] as const)(
    "multiplies %s weights by 8-bit activations",
    (format) => {
      const random = new Random(1);
      const [columns, rows, tokens] = [256, 41, 19];
      const weight = randomWeight(random, format, rows, columns);
      const { blocks, values } = quantizeActivations(random.floats(tokens * columns));
      const args = [Tensor.from(blocks, [tokens, columns / 32, 12], "int32"), packedTensor(weight)];
      const options: LinearOptions = { columns, segments: [{ format, rows }], tokens: "n" };
      const emulated = new EmulatedKernel(linear({ ...options, dot: "neon-dotprod" }));
      const received = emulated.run(args, [tokens, rows]);
      const expected = referenceLinear({ x: values, tokens, weights: [weight] });
      expect(relativeError(received, expected)).toBeLessThan(TOLERANCE);
      if (HOST_FORM !== undefined)
        expect(received).toEqual(
          new Kernel(linear({ ...options, dot: HOST_FORM })).run(args, [tokens, rows]),
        );
    },
  );

  it("multiplies one row that it quantises", () => {
    const random = new Random(2);
    const [columns, rows] = [64, 48];
    const weight = randomWeight(random, "q4_0", rows, columns);
    const x = random.floats(columns);
    const options = { columns, segments: [{ format: "q4_0", rows }], tokens: 1, input: "float32" } as const;
    const kernel = new EmulatedKernel(linear({ ...options, dot: "neon-dotprod" }));
    const received = kernel.run([float32(x, [1, columns]), packedTensor(weight)], [1, rows]);
    const { values } = quantizeActivations(x);
    const expected = referenceLinear({ x: values, tokens: 1, weights: [weight] });
    expect(relativeError(received, expected)).toBeLessThan(TOLERANCE);
  });

  it("multiplies half-precision weights in float32", () => {
    const random = new Random(3);
    const [columns, rows, tokens] = [32, 40, 7];
    const weight = randomWeight(random, "f16", rows, columns);
    const x = random.floats(tokens * columns);
    const segments = [{ format: "f16" as const, rows }];
    const kernel = new EmulatedKernel(linear({ columns, segments, tokens: "n", vectorBits: 128 }));
    const received = kernel.run([float32(x, [tokens, columns]), packedTensor(weight)], [tokens, rows]);
    const expected = referenceLinear({ x, tokens, weights: [weight] });
    expect(relativeError(received, expected)).toBeLessThan(TOLERANCE);
  });

  it("makes the activation blocks of the definition", () => {
    const [columns, tokens] = [64, 5];
    const x = new Random(4).floats(tokens * columns, 4);
    x.fill(0, 0, 32);
    const output = Tensor.empty([tokens, columns / 32, 12], "int32");
    new EmulatedKernel(quantizeRows({ columns })).call([float32(x, [tokens, columns]), output]);
    expect(output.view()).toEqual(quantizeActivations(x).blocks);
  });

  it("normalises", () => {
    const random = new Random(5);
    const [columns, tokens] = [96, 3];
    const args = [
      float32(random.floats(tokens * columns), [tokens, columns]),
      float32(random.floats(columns), [columns]),
    ];
    const func = rmsNorm({ columns, epsilon: 1e-5, tokens: "n" });
    const expected = new Kernel(func).run(args, [tokens, columns]);
    expect(relativeError(new EmulatedKernel(func).run(args, [tokens, columns]), expected)).toBeLessThan(1e-6);
  });

  it.each(["float16", "int8"] as const)("attends (%s)", (kvDtype) => {
    const random = new Random(6);
    const options = { heads: 4, kvHeads: 2, headDim: 32, kvDtype, vectorBits: 128 } as const;
    const layer = new AttentionLayer(options, random, { compile: (func) => new EmulatedKernel(func) });
    const runner = new AttentionRunner(layer, random, 8);
    const reference = layer.reference();
    for (const [form, count] of [
      ["prefill", 19],
      ["decode", 1],
    ] as const) {
      const rows = random.floats(count * layer.width, 2);
      const start = runner.length(0);
      const expected = Array.from({ length: count }, (_, row) =>
        reference.append(rows.subarray(row * layer.width, (row + 1) * layer.width), runner.rope(start + row)),
      ).flat();
      const received = runner.step(form, [{ sequence: 0, rows }]);
      expect(relativeError(received, expected), form).toBeLessThan(TOLERANCE);
    }
  });
});
