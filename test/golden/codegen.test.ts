// Targets, machine code in this process, shared libraries by the system linker, and what happens without one.
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { buildPrimFuncs } from "../../lib/compiler/codegen/build.js";
import { buildExecutable } from "../../lib/compiler/codegen/executable.js";
import { linkLibrary } from "../../lib/compiler/codegen/linker.js";
import { resolveTarget } from "../../lib/compiler/codegen/target.js";
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

  it.each(["gpu", "cpu:", "cpu:no-such-cpu", "cpu:cortex-a76@x86_64-unknown-linux-gnu"])(
    "refuses %s",
    (name) => {
      expect(() => resolveTarget(name)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    },
  );
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
