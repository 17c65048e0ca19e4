// What the kernels become: the TVMScript of small instances, and vector instructions without spills or scalar calls.
import { beforeAll, describe, expect, it } from "vitest";
import { printScript } from "../../../lib/compiler/ir/inspect.js";
import { linear, rmsNorm } from "../../../lib/compiler/kernels/index.js";
import { loadCompilerLibrary } from "../../../lib/ffi/index.js";
import { AARCH64, assembly, basicBlocks, sums, X86_256, X86_512 } from "../../support/assembly.js";

beforeAll(() => loadCompilerLibrary());
/** The run with the most multiply-adds: the inner loop. */
function innerLoop(text: string, instruction: RegExp): string {
  const count = (block: string) => block.match(instruction)?.length ?? 0;
  return basicBlocks(text).reduce((best, block) => (count(block) > count(best) ? block : best), "");
}

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

  it.each([X86_512, X86_256, AARCH64])("call no function of the C library (%s)", (target) => {
    const gated = linear({
      columns: 32,
      segments: [...segments, ...segments],
      epilogue: "silu-mul",
      tokens: "n",
    });
    expect(assembly(gated, target)).not.toMatch(/\b(expf?|exp2f?|fmaf?|nearbyintf?|rintf?|sqrtf?)\b/);
  });
});
