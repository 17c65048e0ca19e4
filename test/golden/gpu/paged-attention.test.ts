// Paged attention for GPUs on OpenCL and Vulkan devices against the double-precision reference: head sizes, groups, caches, page tables, windows,
// mixed steps.
import { beforeAll, describe, expect, it } from "vitest";
import { pagedAttention } from "../../../lib/compiler/kernels/gpu/index.js";
import { loadCompilerLibrary } from "../../../lib/ffi/index.js";
import type { LayerOptions } from "../../support/attention-runner.js";
import { type AttentionStep, checkAttention } from "../../support/attention-steps.js";
import { type TestGpu, testCuda, testGpus } from "../../support/gpu-kernel.js";

const TOLERANCE = 1e-5;
/** A key at the border between two halves may become the other one. */
const HALF_TOLERANCE = 5e-4;

const STEPS: readonly AttentionStep[] = [
  ["prefill", [0, 21]],
  ["decode", [0, 1]],
  ["prefill", [1, 3], [0, 1], [2, 16]],
  ["decode", [2, 1], [0, 1], [1, 1]],
  ["prefill", [0, 230], [1, 8], [2, 2]],
  ["decode", [1, 1], [0, 1]],
];

function check(gpu: TestGpu, options: LayerOptions): void {
  const tolerance = options.kvDtype === "float16" ? HALF_TOLERANCE : TOLERANCE;
  checkAttention(options, STEPS, tolerance, {
    kernel: (request) => pagedAttention(request, gpu.traits),
    compile: (func) => gpu.kernel(func),
    place: (pages) => gpu.pages(pages),
  });
}

const SHAPE = { heads: 4, kvHeads: 2, headDim: 16, kvDtype: "float32" } as const;

describe.each([...testGpus(), ...testCuda()])("paged attention for $kind", (gpu) => {
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
