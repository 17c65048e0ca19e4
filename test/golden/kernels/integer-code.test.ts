// What products of 8-bit integers become: the TVMScript of small instances, and for every form the inner loop that its default
// tile was made for: all dot products, all sums in registers of their own, nothing on the stack (or next to nothing).
import { beforeAll, describe, expect, it } from "vitest";
import { printScript } from "../../../lib/compiler/ir/inspect.js";
import { type DotFormName, linear, quantizeRows } from "../../../lib/compiler/kernels/index.js";
import { loadCompilerLibrary } from "../../../lib/ffi/index.js";
import { AARCH64, assembly, basicBlocks, sums, X86_256 } from "../../support/assembly.js";

beforeAll(() => loadCompilerLibrary());

describe("TVMScript", () => {
  it("of an integer product of one token", async () => {
    const segments = [{ format: "q4_0" as const, rows: 16 }];
    const func = linear({ columns: 32, segments, tokens: 1, dot: "vnni512", input: "float32" });
    await expect(printScript(func)).toMatchFileSnapshot("snapshots/integer-linear.txt");
  });

  it("of activation blocks", async () => {
    await expect(printScript(quantizeRows({ columns: 32 }))).toMatchFileSnapshot(
      "snapshots/quantize-rows.txt",
    );
  });
});

interface InnerLoop {
  readonly dot: DotFormName;
  readonly target: string;
  /** The dot product instruction, its last match the register it sums into. */
  readonly product: RegExp;
  /** How often it stands in the loop, and how many sums it makes. */
  readonly products: number;
  readonly integerSums: number;
  /** The multiply-add to the float sums, and how many there are. */
  readonly multiplyAdd: RegExp;
  readonly floatSums: number;
  /** Vectors that LLVM may move to the stack or back, in any one copy of the loop: less than a twentieth of its instructions. */
  readonly spills: number;
}

const LOOPS: readonly InnerLoop[] = [
  {
    dot: "vnni512",
    target: "cpu:icelake-server@x86_64-unknown-linux-gnu",
    product: /\tvpdpbusd\s.*(%zmm\d+)$/gm,
    products: 96, // 6 tokens x 2 vectors of 16 rows x 8 words of 4 columns
    integerSums: 12,
    multiplyAdd: /\tvfmadd\w+ps\s.*(%zmm\d+)$/gm,
    floatSums: 12,
    spills: 0,
  },
  {
    dot: "vnni256",
    target: "cpu:alderlake@x86_64-unknown-linux-gnu",
    product: /\{vex\}\s+vpdpbusd\s.*(%ymm\d+)$/gm,
    products: 40, // 5 tokens x 8 rows x 8 words
    integerSums: 5,
    multiplyAdd: /\tvfmadd\w+ps\s.*(%ymm\d+)$/gm,
    floatSums: 5,
    spills: 4,
  },
  {
    dot: "avx2",
    target: X86_256,
    product: /\tvpmaddubsw\s.*(%ymm\d+)$/gm,
    products: 24, // 3 tokens x 8 rows x 8 words
    integerSums: 1, // one token after another
    multiplyAdd: /\tvfmadd\w+ps\s.*(%ymm\d+)$/gm,
    floatSums: 3,
    spills: 0,
  },
  {
    dot: "neon-dotprod",
    target: AARCH64,
    product: /\tsdot\s+(v\d+)\.4s, v\d+\.16b, v\d+\.4b\[\d\]$/gm,
    products: 64, // 4 tokens x 2 vectors of 4 rows x 8 words
    integerSums: 8,
    multiplyAdd: /\tfmla\s+(v\d+)\.4s/gm,
    floatSums: 8,
    spills: 2,
  },
];

/** A vector register stored to the stack or loaded from it. */
const SPILL =
  /%[xyz]mm\d+, -?\d*\(%rsp|\(%rsp[^)]*\), (?:%[xyz]mm\d+, )?%[xyz]mm|\t(?:ldr|str|ldp|stp)\s+q.*\[sp/g;

describe.each(LOOPS)("the inner loop of $dot", ({ dot, target, ...loop }) => {
  it.each(["q4_0", "q8_0"] as const)("over %s weights", (format) => {
    const segments = [{ format, rows: 64 }];
    const text = assembly(linear({ columns: 512, segments, tokens: "n", dot }), target);
    const loops = basicBlocks(text).filter(
      (block) => sums(block, loop.multiplyAdd) === loop.floatSums && block.match(loop.product) !== null,
    );
    expect(loops.length).toBeGreaterThan(0);
    for (const block of loops) {
      expect(block.match(loop.product)).toHaveLength(loop.products);
      expect(sums(block, loop.product)).toBeGreaterThanOrEqual(loop.integerSums);
      expect(block.match(SPILL)?.length ?? 0).toBeLessThanOrEqual(loop.spills);
    }
    if (!target.includes("icelake")) expect(text).not.toMatch(/%zmm|%k[1-7]|%ymm(1[6-9]|[23]\d)/);
  });
});
