// Targets, machine code in this process, shared libraries by the system linker, and what happens without one.
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { buildPrimFuncs } from "../../lib/compiler/codegen/build.js";
import { buildExecutable } from "../../lib/compiler/codegen/executable.js";
import { linkLibrary } from "../../lib/compiler/codegen/linker.js";
import { resolveTarget } from "../../lib/compiler/codegen/target.js";
import { resolveTargets } from "../../lib/compiler/codegen/target-list.js";
import { BlockBuilder } from "../../lib/compiler/ir/block-builder.js";
import { callKernel, relaxVar } from "../../lib/compiler/ir/relax-expression.js";
import { sizeVar, tensorType } from "../../lib/compiler/ir/relax-type.js";
import { runPipeline } from "../../lib/compiler/passes/pipeline.js";
import { call, cpuFeatures, FfiModule, loadCompilerLibrary, Tensor } from "../../lib/ffi/index.js";
import { accumulateKernel } from "../support/accumulate-kernel.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "node-mlc-codegen-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() => loadCompilerLibrary());
afterEach(() => vi.unstubAllEnvs());

const AARCH64 = "cpu:cortex-a76@aarch64-unknown-linux-gnu";

function executable(target: string) {
  const builder = new BlockBuilder();
  const n = sizeVar("n");
  const x = relaxVar("x", tensorType([n, 8], "float32"));
  const pages = relaxVar("pages", tensorType([sizeVar("p"), 8], "float32"));
  builder.relaxFunction("main", [x, pages], { tir_var_upper_bound: { n: 4 } }, (emit) => {
    const args = [x, pages, call("ir.IntImm", "int64", 1, null)];
    const kernel = builder.primFunc("accumulate", accumulateKernel);
    return emit(callKernel(kernel, args, tensorType([n, 8], "float32")), "");
  });
  const resolved = resolveTarget(target);
  return { module: buildExecutable(runPipeline(builder.finish()).module, resolved), target: resolved };
}

describe("targets", () => {
  it("this machine's code uses only what this machine has", () => {
    const host = resolveTarget("cpu");
    expect(host.isHost).toBe(true);
    expect(host.features.size).toBeGreaterThan(0);
    expect(cpuFeatures()).toEqual(expect.arrayContaining([...host.features]));
  });

  it("named processors get LLVM's features for them", () => {
    const arch = process.arch === "x64" ? "x86_64" : "aarch64";
    const v3 = [...resolveTarget("cpu:x86-64-v3@x86_64-unknown-linux-gnu").features];
    const v4 = [...resolveTarget("cpu:x86-64-v4@x86_64-unknown-linux-gnu").features];
    expect(v3).toEqual(expect.arrayContaining(["avx2", "f16c", "fma"]));
    expect(v3.filter((feature) => feature.startsWith("avx512"))).toEqual([]);
    expect(v4).toEqual(expect.arrayContaining([...v3, "avx512f", "avx512vl"]));
    const arm = resolveTarget(AARCH64);
    expect([...arm.features]).toEqual(expect.arrayContaining(["neon", "dotprod", "fullfp16"]));
    expect(arm.isHost).toBe(arch === "aarch64");
  });

  it("extensions are added to a processor's", () => {
    const [v4, vnni] = ["cpu:x86-64-v4@x86_64-linux-gnu", "cpu:x86-64-v4+avx512vnni@x86_64-linux-gnu"].map(
      (name) => resolveTarget(name),
    );
    expect([...(vnni?.features ?? [])].filter((feature) => !v4?.features.has(feature))).toEqual([
      "avx512vnni",
    ]);
    expect(vnni).toMatchObject({ name: "x86-64-v4+avx512vnni", cpu: "x86-64-v4", vectorBits: 512 });
    expect(resolveTarget("cpu:x86-64-v3+avxvnni@x86_64-linux-gnu").vectorBits).toBe(256);
    expect(resolveTarget("cpu:x86-64@x86_64-linux-gnu").vectorBits).toBe(128);
  });

  it("code needs no AMX, which LLVM never uses by itself", () => {
    const { features } = resolveTarget("cpu:sapphirerapids@x86_64-linux-gnu");
    expect([...features].filter((feature) => feature.startsWith("amx"))).toEqual([]);
    expect(features.has("avx512bf16")).toBe(true);
  });

  it.each([
    "gpu",
    "cpu:",
    "cpu:no-such-cpu",
    "cpu:cortex-a76@x86_64-unknown-linux-gnu",
    "cpu:x86-64-v3+",
    "cpu:x86-64-v3+no-such-extension@x86_64-linux-gnu",
    "cpu:x86-64-v3+dotprod@x86_64-linux-gnu",
    "cpu:native+avx2",
    "cpu:native@riscv64-unknown-linux-gnu",
  ])("refuses %s", (name) => {
    expect(() => resolveTarget(name)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  });
});

describe("lists of targets", () => {
  const names = (specifications: string[]) => resolveTargets(specifications).map(({ name }) => name);

  it("keep their order and hold each target once", () => {
    const host = resolveTarget("cpu");
    expect(names(["cpu:native", "cpu", `cpu:native@${host.triple}`])).toEqual([host.name]);
    expect(
      names([
        "cpu:x86-64-v4@x86_64-linux-gnu",
        "cpu:x86-64-v3@x86_64-linux-gnu",
        "cpu:x86-64-v4@x86_64-linux-gnu",
      ]),
    ).toEqual(["x86-64-v4", "x86-64-v3"]);
    expect(names(["cpu:generic@x86_64-linux-gnu", "cpu:generic@aarch64-linux-gnu"])).toEqual([
      "generic",
      "generic",
    ]);
  });

  it("portable is the levels of an architecture, from the least to the most demanding", () => {
    const x86 = resolveTargets(["cpu:portable@x86_64-linux-gnu"]);
    expect(x86.map(({ name }) => name)).toEqual([
      "x86-64-v2",
      "x86-64-v3",
      "x86-64-v3+avxvnni",
      "x86-64-v4+avx512vnni",
    ]);
    expect(x86.map(({ vectorBits }) => vectorBits)).toEqual([128, 256, 256, 512]);
    const arm = resolveTargets(["cpu:portable@aarch64-linux-gnu"]);
    expect(arm.map(({ name, features }) => [name, features.has("dotprod")])).toEqual([
      ["generic", false],
      ["generic+dotprod", true],
    ]);
  });

  it("have one for the processor of every system with a GPU", () => {
    const host = resolveTarget("cpu").name;
    expect(names(["vulkan", "opencl"])).toEqual(["vulkan", "opencl", host]);
    const arm = resolveTargets(["opencl@aarch64-linux-gnu", "cpu"]);
    expect(arm.map(({ gpu, isHost }) => [gpu?.kind, isHost])).toEqual([
      ["opencl", false],
      [undefined, true],
      [undefined, false],
      [undefined, false],
    ]);
  });

  it.each(["cpu:portable+avx2", "cpu:portable@riscv64-unknown-linux-gnu"])("refuse %s", (name) => {
    expect(() => resolveTargets([name])).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  });
});

describe("code", () => {
  it("runs in this process under the names it was given", () => {
    const library = buildPrimFuncs(
      { first: accumulateKernel(), second: accumulateKernel() },
      resolveTarget("cpu"),
    );
    const x = Tensor.from(new Float32Array(8).fill(2), [1, 8]);
    const pages = Tensor.from(new Float32Array(16), [2, 8]);
    const output = Tensor.empty([1, 8], "float32");
    library.getFunction("first").call(x, pages, 1, output);
    library.getFunction("second").call(x, pages, 1, output);
    expect(Array.from(output.view() as Float32Array)).toEqual(new Array(8).fill(6));
    expect(Array.from(pages.view() as Float32Array)).toEqual([
      ...new Array(8).fill(0),
      ...new Array(8).fill(4),
    ]);
  });
});

describe("linking", () => {
  it("makes a library that loads and runs, and leaves nothing else", async () => {
    const { module, target } = executable("cpu");
    const file = path.join(folder, "model.so");
    await linkLibrary(module, target, file);
    expect(readdirSync(folder)).toEqual(["model.so"]);
    const vm = FfiModule.loadFromFile(file).getFunction("vm_load_executable").call();
    if (!(vm instanceof FfiModule)) throw new Error("expected a virtual machine");
    vm.getFunction("vm_initialization").call(1, 0, 2);
    const x = Tensor.from(new Float32Array(16).fill(1), [2, 8]);
    const pages = Tensor.from(new Float32Array(16), [2, 8]);
    const output = vm.getFunction("main").call(x, pages) as Tensor;
    expect(Array.from(output.view() as Float32Array)).toEqual(new Array(16).fill(3));
    rmSync(file);
  });

  it("says in one line that there is no linker", async () => {
    vi.stubEnv("CC", "no-such-compiler");
    const { module, target } = executable("cpu");
    const error = await linkLibrary(module, target, path.join(folder, "none.so")).catch(
      (reason: Error) => reason,
    );
    expect(error).toMatchObject({
      code: "ERR_LINKER_NOT_FOUND",
      message: expect.stringContaining('"no-such-compiler"'),
    });
    expect(String(error)).not.toContain("\n");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("reports what a failing linker said", async () => {
    vi.stubEnv("CC", "false");
    const { module, target } = executable("cpu");
    const file = path.join(folder, "failed.so");
    await expect(linkLibrary(module, target, file)).rejects.toMatchObject({ code: "ERR_COMPILE" });
    expect(existsSync(file)).toBe(false);
  });

  it("takes the driver of the target's triple before CC", async () => {
    const { module, target } = executable("cpu");
    vi.stubEnv("CC", "false");
    vi.stubEnv(`CC_${target.triple.replaceAll("-", "_")}`, "no-such-compiler");
    await expect(linkLibrary(module, target, path.join(folder, "none.so"))).rejects.toMatchObject({
      code: "ERR_LINKER_NOT_FOUND",
      message: expect.stringContaining('"no-such-compiler"'),
    });
  });

  it("generates code for another machine and asks for a compiler that links it", async () => {
    vi.stubEnv("CC", "");
    const { module, target } = executable(
      process.arch === "arm64" ? "cpu:x86-64-v3@x86_64-unknown-linux-gnu" : AARCH64,
    );
    const attempt = linkLibrary(module, target, path.join(folder, "cross.so"));
    await expect(attempt).rejects.toMatchObject({
      code: "ERR_LINKER_NOT_FOUND",
      message: expect.stringContaining(target.triple),
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});
