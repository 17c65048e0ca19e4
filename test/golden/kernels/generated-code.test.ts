// What the kernels become: the TVMScript of small instances, and vector instructions without spills or scalar calls.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { printScript } from "../../../lib/compiler/ir/inspect.js";
import { linear, pagedAttention, rmsNorm } from "../../../lib/compiler/kernels/index.js";
import { call, type FfiObject, loadCompilerLibrary } from "../../../lib/ffi/index.js";
import { Kernel } from "../../support/kernel-library.js";

beforeAll(() => loadCompilerLibrary());
const folder = mkdtempSync(path.join(os.tmpdir(), "node-mlc-kernels-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function assembly(func: FfiObject, target: string): string {
  const file = path.join(folder, "kernel.s");
  call("ffi.ModuleWriteToFile", new Kernel(func, target).library, file, "s");
  return readFileSync(file, "utf8");
}

/** The straight-line runs of instructions between labels and jumps. */
function basicBlocks(text: string): string[] {
  return text.split(/^\.L\w+:|^\tj\w+.*$/m);
}

/** The number of runs that convert and multiply at least `least` times. */
function countMatching(blocks: readonly string[], convert: RegExp, multiply: RegExp, least: number): number {
  return blocks.filter((block) => convert.test(block) && (block.match(multiply)?.length ?? 0) >= least)
    .length;
}

/** The number of different registers that a run's multiply-adds sum into. */
function sums(block: string, instruction: RegExp): number {
  return new Set([...block.matchAll(instruction)].map(([, register]) => register)).size;
}

/** The run with the most multiply-adds: the inner loop. */
function innerLoop(text: string, instruction: RegExp): string {
  const count = (block: string) => block.match(instruction)?.length ?? 0;
  return basicBlocks(text).reduce((best, block) => (count(block) > count(best) ? block : best), "");
}

const X86_512 = "cpu:x86-64-v4@x86_64-unknown-linux-gnu";
const X86_256 = "cpu:x86-64-v3@x86_64-unknown-linux-gnu";
const AARCH64 = "cpu:cortex-a76@aarch64-unknown-linux-gnu";

describe("TVMScript", () => {
  it("of a norm", async () => {
    const func = rmsNorm({ columns: 32, epsilon: 1e-5, tokens: "n" });
    await expect(printScript(func)).toMatchFileSnapshot("snapshots/rms-norm.txt");
  });

  it("of a product with a residual and an incomplete row block", async () => {
    const segments = [{ format: "f32" as const, rows: 36 }];
    const func = linear({ columns: 4, segments, epilogue: "residual", tokens: 1 });
    await expect(printScript(func)).toMatchFileSnapshot("snapshots/linear.txt");
  });

  it("of attention", async () => {
    const shape = { heads: 2, kvHeads: 1, headDim: 16, layers: 2, kvDtype: "float16" } as const;
    const func = pagedAttention({ ...shape, form: "decode" });
    await expect(printScript(func)).toMatchFileSnapshot("snapshots/paged-attention.txt");
  });
});

describe("inner loops", () => {
  const segments = [{ format: "q4_1" as const, rows: 64 }];

  it("multiply many tokens with AVX-512: 16 sums in registers, nothing on the stack", () => {
    const text = assembly(linear({ columns: 64, segments, tokens: "n" }), X86_512);
    const tiles = basicBlocks(text).filter((block) => sums(block, /vfmadd231ps.*(%zmm\d+)$/gm) === 16);
    expect(tiles.length).toBeGreaterThan(0);
    for (const tile of tiles) expect(tile).not.toMatch(/\(%rsp/);
    // The unpacked panel (a symbol loaded and called); the 8 buffers of sums in workspace memory would be stored at every step.
    expect(text.match(/__TVMBackendAllocWorkspace@/g)?.length).toBeLessThanOrEqual(2);
  });

  it("multiply many tokens with AVX2: 12 sums of 8 lanes", () => {
    const text = assembly(linear({ columns: 64, segments, tokens: "n", vectorBits: 256 }), X86_256);
    const tiles = basicBlocks(text).filter((block) => sums(block, /vfmadd231ps.*(%ymm\d+)$/gm) === 12);
    expect(tiles.length).toBeGreaterThan(0);
    for (const tile of tiles) expect(tile).not.toMatch(/%ymm\d+, -?\d*\(%rsp/);
  });

  it("unpack codes as vectors for one token", () => {
    const loop = innerLoop(
      assembly(linear({ columns: 64, segments, tokens: 1 }), X86_512),
      /vfmadd\w+ps.*%zmm/g,
    );
    expect(loop.match(/vcvtdq2ps\s+%zmm/g)?.length).toBe(64);
    expect(loop).not.toMatch(/vfmadd\w+ss/);
  });

  it("of attention multiply half-precision keys and values as vectors, on every kind of processor", () => {
    const shape = {
      heads: 6,
      kvHeads: 2,
      headDim: 64,
      layers: 2,
      kvDtype: "float16",
      form: "prefill",
    } as const;
    const wide = basicBlocks(assembly(pagedAttention(shape), X86_512));
    // Scores: 8 queries by one vector of keys. Values: 4 queries by 4 vectors.
    expect(countMatching(wide, /vcvtph2ps.*%zmm/, /vfmadd231ps.*%zmm/g, 8)).toBeGreaterThanOrEqual(2);
    expect(countMatching(wide, /vcvtph2ps.*%zmm/, /vfmadd231ps.*%zmm/g, 16)).toBeGreaterThanOrEqual(1);
    const narrow = pagedAttention({ ...shape, vectorBits: 256 });
    const avx2 = basicBlocks(assembly(narrow, X86_256));
    expect(countMatching(avx2, /vcvtph2ps.*%ymm/, /vfmadd\w+ps.*%ymm/g, 8)).toBeGreaterThanOrEqual(2);
    const neon = basicBlocks(assembly(narrow, AARCH64));
    expect(countMatching(neon, /fcvtl2?\s/, /fmla\s+v\d+\.4s/g, 16)).toBeGreaterThanOrEqual(2);
  });

  it.each([X86_512, X86_256, AARCH64])("call no function of the C library (%s)", (target) => {
    const shape = { heads: 4, kvHeads: 2, headDim: 32, layers: 1, kvDtype: "float16" } as const;
    const gated = linear({
      columns: 32,
      segments: [...segments, ...segments],
      epilogue: "silu-mul",
      tokens: "n",
    });
    for (const func of [pagedAttention({ ...shape, form: "prefill" }), gated])
      expect(assembly(func, target)).not.toMatch(/\b(expf?|exp2f?|fmaf?|nearbyintf?|rintf?|sqrtf?)\b/);
  });
});
