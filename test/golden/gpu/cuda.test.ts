// Every kernel for GPUs as CUDA C++ through NVRTC, for all architectures of the default target; and what is refused. Nothing runs here.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { buildPrimFuncs } from "../../../lib/compiler/codegen/build.js";
import { requireCudaCompiler } from "../../../lib/compiler/codegen/cuda.js";
import { cudaHeader } from "../../../lib/compiler/codegen/cuda-header.js";
import { gpuTarget } from "../../../lib/compiler/codegen/gpu-target.js";
import { resolveTarget } from "../../../lib/compiler/codegen/target.js";
import { resolveTargets } from "../../../lib/compiler/codegen/target-list.js";
import {
  embedding,
  gatherRows,
  linear,
  pagedAttention,
  rmsNorm,
  ropeTable,
} from "../../../lib/compiler/kernels/gpu/index.js";
import type { AttentionOptions, LinearOptions } from "../../../lib/compiler/kernels/index.js";
import { compileCuda, type FfiObject, loadCompilerLibrary } from "../../../lib/ffi/index.js";
import { WEIGHT_FORMAT_NAMES, type WeightFormat } from "../../../lib/package/weight-format.js";
import { architectureOf, cudaPrograms, hasNvrtc } from "../../support/cuda-compiler.js";
import { fakeCuda } from "../../support/fake-cuda.js";
import { columnsOf } from "../../support/reference/rows16.js";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const nvrtc = hasNvrtc();
const DEFAULT = ["sm_80", "sm_89", "sm_90", "compute_80"];

const traits = () => gpuTarget("cuda");
const one = (format: WeightFormat, rows: number) => [{ format, rows }];

/** Compiles kernels and says of each architecture which kernels its code has. */
function compile(functions: Record<string, FfiObject>, target = "cuda"): Map<string, string[]> {
  const programs = cudaPrograms(buildPrimFuncs(functions, resolveTarget(target)));
  for (const [name, program] of programs) expect(architectureOf(program)).toBe(name);
  return new Map(
    [...programs].map(([name, program]) => {
      const text = program.toString("latin1");
      return [name, Object.keys(functions).filter((kernel) => text.includes(`${kernel}_kernel`))];
    }),
  );
}

function expectCompiled(functions: Record<string, FfiObject>): void {
  const names = Object.keys(functions);
  expect([...compile(functions)]).toEqual(DEFAULT.map((architecture) => [architecture, names]));
}

describe.skipIf(!nvrtc)("CUDA", () => {
  beforeAll(() => loadCompilerLibrary());

  it.each(WEIGHT_FORMAT_NAMES)("compiles products with %s weights, of one row, a few and many", (format) => {
    const options = { columns: columnsOf(format, 3), segments: one(format, 71) };
    expectCompiled({
      one: linear({ ...options, tokens: 1 }, traits()),
      any: linear({ ...options, tokens: "n" }, traits()),
      table: embedding({ rows: 71, columns: columnsOf(format, 3), format }, traits()),
    });
  });

  it.each<readonly [string, Partial<LinearOptions>]>([
    ["a bias", { bias: true, segments: [...one("q4_1", 64), ...one("f16", 33)] }],
    ["a residual", { epilogue: "residual" }],
    ["a gate", { epilogue: "silu-mul", segments: [...one("q4_0", 64), ...one("q4_0", 64)] }],
    ["the GELU", { epilogue: "gelu" }],
  ])("compiles products with %s", (_name, options) => {
    const all = { columns: 96, segments: one("q8_0", 64), ...options } as const;
    expectCompiled({
      one: linear({ ...all, tokens: 1 }, traits()),
      any: linear({ ...all, tokens: "n" }, traits()),
    });
  });

  it.each<readonly [string, Partial<AttentionOptions>]>([
    ["a cache of floats", {}],
    ["a cache of halves", { kvDtype: "float16" }],
    ["normalised queries and keys", { kvDtype: "float16", qkNorm: { epsilon: 1e-6 } }],
    ["a window with sink tokens", { window: 33, sinkTokens: 4 }],
    ["sink logits and wide heads", { kvDtype: "float16", sinkLogits: true, headDim: 256 }],
  ])("compiles paged attention with %s", (_name, options) => {
    const all = { heads: 14, kvHeads: 2, headDim: 64, layers: 2, kvDtype: "float32", ...options } as const;
    expectCompiled({
      decode: pagedAttention({ ...all, form: "decode" }, traits()),
      prefill: pagedAttention({ ...all, form: "prefill" }, traits()),
    });
  });

  it("compiles what norms rows, gathers them and makes rotary factors", () => {
    expectCompiled({
      norm: rmsNorm({ columns: 576, epsilon: 1e-5, tokens: "n" }, traits()),
      one: rmsNorm({ columns: 7, epsilon: 1e-5, tokens: 1 }, traits()),
      gather: gatherRows({ columns: 40 }, traits()),
      rope: ropeTable({ headDim: 64 }, traits()),
    });
  });

  it("takes the sines of late positions, not the fast ones", () => {
    const ptx = cudaPrograms(
      buildPrimFuncs({ rope: ropeTable({ headDim: 64 }, traits()) }, resolveTarget("cuda:compute_80")),
    ).get("compute_80");
    expect(ptx?.toString("latin1")).not.toMatch(/sin\.approx|cos\.approx/);
  });

  it("reads 16 bytes of codes at once, and halves by the hardware", () => {
    const options = { columns: 256, segments: one("q4f16_1", 64), tokens: 1 } as const;
    const ptx = cudaPrograms(
      buildPrimFuncs({ product: linear(options, traits()) }, resolveTarget("cuda:compute_80")),
    ).get("compute_80");
    expect(ptx?.toString("latin1")).toMatch(/ld\.global(\.nc)?\.v4\.[bu]32/);
    expect(ptx?.toString("latin1")).toMatch(/cvt\.f32\.f16/);
  });

  it("compiles for the architectures that the target names, and no more", () => {
    const kernel = { gather: gatherRows({ columns: 40 }, traits()) };
    expect([...compile(kernel, "cuda:sm_90").keys()]).toEqual(["sm_90"]);
    expect([...compile(kernel, "cuda:sm_75+sm_120+compute_90").keys()]).toEqual([
      "sm_75",
      "sm_120",
      "compute_90",
    ]);
  });

  it("is refused for architectures NVRTC does not know, and source it does not take", () => {
    expect(() => requireCudaCompiler(DEFAULT)).not.toThrow();
    expect(() => requireCudaCompiler(["sm_80", "sm_42"])).toThrow(
      expect.objectContaining({
        code: "ERR_INVALID_ARGUMENT",
        message: expect.stringMatching(/"sm_42".*sm_90/),
      }),
    );
    expect(() => compileCuda("int x = y;", ["sm_80"])).toThrow(
      expect.objectContaining({ code: "ERR_COMPILE", message: expect.stringMatching(/for sm_80.*"y"/s) }),
    );
  });
});

describe.skipIf(!nvrtc || process.platform !== "linux")("CUDA in a process that has the runtime", () => {
  it("compiles for every architecture all the same", () => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--import", "tsx", "test/support/cuda-architectures.ts"],
      { cwd: root, encoding: "utf8", env: { ...process.env, ...fakeCuda() } },
    );
    expect(stdout, stderr).toBe(`before ${DEFAULT.join(" ")}\nafter ${DEFAULT.join(" ")}\n`);
  });
});

describe("a CUDA target", () => {
  beforeAll(() => loadCompilerLibrary());

  it("is for three generations and, by PTX, what comes later", () => {
    const { name, gpu } = resolveTarget("cuda");
    expect({ name, architectures: gpu?.architectures }).toEqual({ name: "cuda", architectures: DEFAULT });
  });

  it.each([
    ["cuda:sm_91", "sm_91"],
    ["cuda:hopper", "hopper"],
    ["cuda:sm_90+sm_89+", ""],
    ["cuda:sm_90a", "sm_90a"],
  ])("%s is refused, for it names %s", (target, name) => {
    expect(() => resolveTarget(target)).toThrow(
      expect.objectContaining({
        code: "ERR_INVALID_ARGUMENT",
        message: expect.stringContaining(`received "${name}"`),
      }),
    );
  });

  it.each(["cuda:sm_90+sm_90", "cuda:compute_80+compute_90"])("%s is refused", (target) => {
    expect(() => resolveTarget(target)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  });

  it("is one of a package's, whose libraries have names of their own", () => {
    const targets = resolveTargets(["cuda:sm_80", "cuda:sm_80"]);
    expect(targets.filter(({ gpu }) => gpu !== undefined)).toHaveLength(1);
    expect(() => resolveTargets(["cuda:sm_80", "cuda:sm_90"])).toThrow(/architectures differ/);
  });

  it("has no header for what our kernels never use", () => {
    expect(() => cudaHeader(["fp16", "mma"])).toThrow(
      expect.objectContaining({ code: "ERR_COMPILE", message: expect.stringContaining('"mma"') }),
    );
  });
});
