// What the attention kernels become: the TVMScript of a small one, and vector instructions without spills or scalar calls.
import { beforeAll, describe, expect, it } from "vitest";
import { printScript } from "../../../lib/compiler/ir/inspect.js";
import { pagedAttention } from "../../../lib/compiler/kernels/index.js";
import { loadCompilerLibrary } from "../../../lib/ffi/index.js";
import { AARCH64, assembly, basicBlocks, sums, X86_256, X86_512 } from "../../support/assembly.js";

beforeAll(() => loadCompilerLibrary());

const SHAPE = { heads: 6, kvHeads: 2, headDim: 64, layers: 2, kvDtype: "float16" } as const;

const FMA_512 = /vfmadd231ps.*(%zmm\d+)$/gm;
const FMA_256 = /vfmadd231ps.*(%ymm\d+)$/gm;
const FMA_NEON = /fmla\s+(v\d+)\.4s/g;

/** The runs whose multiply-adds sum into exactly `count` registers and are most of their instructions. */
function tiles(text: string, instruction: RegExp, count: number): string[] {
  return basicBlocks(text).filter((block) => {
    const lines = block.trim().split("\n").length;
    const multiplies = block.match(instruction)?.length ?? 0;
    return sums(block, instruction) === count && multiplies * 3 >= lines;
  });
}

it("TVMScript", async () => {
  const func = pagedAttention({ ...SHAPE, heads: 2, kvHeads: 1, headDim: 16, form: "decode" });
  await expect(printScript(func)).toMatchFileSnapshot("snapshots/paged-attention.txt");
});

describe("many rows", () => {
  it("multiply 8 queries at a time with AVX-512, nothing on the stack", () => {
    const text = assembly(pagedAttention({ ...SHAPE, form: "prefill" }), X86_512);
    // Scores: 8 queries by one vector of keys. Values: 4 queries by 4 vectors.
    for (const [count, least] of [
      [8, 1],
      [16, 2],
    ] as const) {
      const loops = tiles(text, FMA_512, count);
      expect(loops.length).toBeGreaterThanOrEqual(least);
      for (const loop of loops) expect(loop).not.toMatch(/%zmm\d+, -?\d*\(%r[sb]p/);
    }
  });

  it("multiply 6 queries at a time with AVX2", () => {
    const text = assembly(pagedAttention({ ...SHAPE, form: "prefill", vectorBits: 256 }), X86_256);
    const loops = tiles(text, FMA_256, 12);
    expect(loops.length).toBeGreaterThanOrEqual(2);
    for (const loop of loops) expect(loop).not.toMatch(/%ymm\d+, -?\d*\(%r[sb]p/);
  });

  it("multiply 6 queries at a time with NEON", () => {
    const text = assembly(pagedAttention({ ...SHAPE, form: "prefill", vectorBits: 128 }), AARCH64);
    const loops = tiles(text, FMA_NEON, 24);
    expect(loops.length).toBeGreaterThanOrEqual(2);
    for (const loop of loops) expect(loop).not.toMatch(/str\s+q\d+, \[sp/);
  });
});

describe("one row", () => {
  it.each([
    ["float16", /vcvtph2ps.*%zmm/],
    ["int8", /vpmovsxbd.*%zmm[\s\S]*vcvtdq2ps.*%zmm/],
  ] as const)("converts %s keys and values in vectors, 12 sums in registers", (kvDtype, conversion) => {
    const text = assembly(pagedAttention({ ...SHAPE, kvDtype, form: "decode" }), X86_512);
    const loops = tiles(text, FMA_512, 12);
    expect(loops.length).toBeGreaterThanOrEqual(2);
    for (const loop of loops) {
      expect(loop).toMatch(conversion);
      expect(loop).toMatch(/prefetcht0/);
      expect(loop).not.toMatch(/%zmm\d+, -?\d*\(%r[sb]p/);
    }
  });

  it("keeps the memory of its tasks on the stack, but for the sums of divided contexts", () => {
    const text = assembly(pagedAttention({ ...SHAPE, form: "decode" }), X86_512);
    // A symbol loaded and called.
    expect(text.match(/__TVMBackendAllocWorkspace@/g)?.length).toBe(1);
  });

  it("is one parallel region", () => {
    const text = assembly(pagedAttention({ ...SHAPE, form: "decode" }), X86_512);
    expect(text.match(/__TVMBackendParallelLaunch@/g)?.length).toBe(1);
  });
});

it.each([X86_512, X86_256, AARCH64])("no function of the C library is called (%s)", (target) => {
  for (const form of ["decode", "prefill"] as const)
    expect(assembly(pagedAttention({ ...SHAPE, form }), target)).not.toMatch(
      /\b(expf?|exp2f?|fmaf?|nearbyintf?|rintf?|sqrtf?)\b/,
    );
});
