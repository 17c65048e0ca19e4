// Paged attention for GPUs on OpenCL and Vulkan devices against the double-precision reference: head sizes, groups, caches, page tables, windows,
// mixed steps.
import { beforeAll, describe, expect, it } from "vitest";
import { pagedAttention } from "../../../lib/compiler/kernels/gpu/index.js";
import { type FfiObject, loadCompilerLibrary, type Tensor } from "../../../lib/ffi/index.js";
import { AttentionLayer, AttentionRunner, type LayerOptions } from "../../support/attention-runner.js";
import { type TestGpu, testGpus } from "../../support/gpu-kernel.js";
import { relativeError } from "../../support/kernel-library.js";
import { Random } from "../../support/random.js";

const TOLERANCE = 1e-5;
/** A key at the border between two halves may become the other one. */
const HALF_TOLERANCE = 5e-4;

/** [form, then the sequences of the step with the number of their new rows] */
type Step = readonly ["prefill" | "decode", ...(readonly [sequence: number, rows: number])[]];

const STEPS: readonly Step[] = [
  ["prefill", [0, 21]],
  ["decode", [0, 1]],
  ["prefill", [1, 3], [0, 1], [2, 16]],
  ["decode", [2, 1], [0, 1], [1, 1]],
  ["prefill", [0, 230], [1, 8], [2, 2]],
  ["decode", [1, 1], [0, 1]],
];

function check(gpu: TestGpu, options: LayerOptions): void {
  const random = new Random(7);
  const device = {
    kernel: (request: Parameters<typeof pagedAttention>[0]) => pagedAttention(request, gpu.traits),
    compile: (func: FfiObject) => gpu.kernel(func),
    place: (pages: Tensor) => gpu.pages(pages),
  };
  const layer = new AttentionLayer(options, random, device);
  const runner = new AttentionRunner(layer, random, 64);
  const references = new Map<number, ReturnType<AttentionLayer["reference"]>>();
  for (const [form, ...parts] of STEPS) {
    const rows = parts.map(([sequence, count]) => ({
      sequence,
      rows: random.floats(count * layer.width, 2),
    }));
    const expected = rows.flatMap(({ sequence, rows: values }) => {
      const reference = references.get(sequence) ?? layer.reference();
      references.set(sequence, reference);
      const start = runner.length(sequence);
      return Array.from({ length: values.length / layer.width }, (_, row) => {
        const own = values.subarray(row * layer.width, (row + 1) * layer.width);
        return reference.append(own, runner.rope(start + row));
      }).flat();
    });
    const error = relativeError(runner.step(form, rows), expected);
    const tolerance = options.kvDtype === "float16" ? HALF_TOLERANCE : TOLERANCE;
    expect(error, JSON.stringify([form, ...parts])).toBeLessThan(tolerance);
  }
}

const SHAPE = { heads: 4, kvHeads: 2, headDim: 16, kvDtype: "float32" } as const;

describe.each(testGpus())("paged attention for $kind", (gpu) => {
  beforeAll(() => loadCompilerLibrary());

  it.each([8, 64, 80, 128, 256])("matches with heads of %i elements", (headDim) => {
    check(gpu, { heads: 3, kvHeads: 1, headDim, kvDtype: "float32" });
  });

  it.each([
    [1, 1],
    [7, 7],
    [14, 2],
    [20, 1],
  ])("matches with %i query heads on %i key heads", (heads, kvHeads) => {
    check(gpu, { ...SHAPE, heads, kvHeads });
  });

  it.each<readonly [string, Partial<LayerOptions>]>([
    ["a cache of halves", { kvDtype: "float16", headDim: 64 }],
    ["normalised queries and keys", { qkNorm: true, headDim: 64 }],
    ["a window with sink tokens", { window: 33, sinkTokens: 4 }],
    ["a window of more than a chunk with sink logits", { window: 140, sinkLogits: true }],
    ["sink logits", { sinkLogits: true }],
  ])("matches with %s", (_name, options) => check(gpu, { ...SHAPE, ...options }));

  it("refuses a cache in 8 bits", () => {
    const options = { ...SHAPE, kvDtype: "int8", layers: 1, form: "decode" } as const;
    expect(() => pagedAttention(options, gpu.traits)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });
});
