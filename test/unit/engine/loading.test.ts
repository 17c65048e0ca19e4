/** Options, memory, choice of the library. */
import { describe, expect, it } from "vitest";
import { nativeConfig, planLoad, resolveEngineConfig } from "../../../lib/engine/engine-config.js";
import { checkRuntimeVersion, chooseLibrary } from "../../../lib/engine/library-choice.js";
import { Engine } from "../../../lib/index.js";
import type { ManifestLibrary } from "../../../lib/package/manifest.js";
import { type MemoryPlanRequest, planMemory } from "../../../lib/package/memory-plan.js";
import { TVM_VERSIONS } from "../../../lib/package/tvm-versions.js";
import { fakeManifest } from "../../support/fake-engine.js";

const manifest = fakeManifest();
const fakePackage = {
  manifest,
  plan: (request?: MemoryPlanRequest) => planMemory(manifest, request),
  file: (name: string) => `/package/${name}`,
};

describe("resolveEngineConfig", () => {
  it("fills in defaults", () => {
    const config = resolveEngineConfig({}, 1000);
    expect(config).toMatchObject({
      memoryBudget: 1000,
      verify: false,
      maxBatch: undefined,
      lockMemory: false,
    });
    expect(config.threads).toBeUndefined();
    expect(resolveEngineConfig({ memoryBudget: "25%" }, 1000).memoryBudget).toBe(250);
    expect(resolveEngineConfig({ memoryBudget: 77 }, 1000).memoryBudget).toBe(77);
  });

  it.each([
    [{ threads: 0 }, "threads"],
    [{ threads: 1.5 }, "threads"],
    [{ maxBatch: 0 }, "maxBatch"],
    [{ contextLength: 1 }, "contextLength"],
    [{ memoryBudget: 0 }, "memoryBudget"],
    [{ memoryBudget: "0%" }, "memoryBudget"],
    [{ memoryBudget: "101%" }, "memoryBudget"],
    [{ memoryBudget: "lots" }, "memoryBudget"],
    [{ verify: 1 }, "verify"],
    [{ thread: 2 }, '"thread"'],
  ])("refuses %j", (options, message) => {
    expect(() => Reflect.apply(resolveEngineConfig, undefined, [options])).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining(message) }),
    );
  });
});

describe("planLoad", () => {
  const full = planMemory(manifest, { batch: 4 }).total;
  const one = planMemory(manifest, { batch: 1 }).total;

  it("takes the package's limits, less where the memory is too small", () => {
    expect(planLoad(fakePackage, resolveEngineConfig({}, full))).toMatchObject({ batch: 4, context: 256 });
    expect(planLoad(fakePackage, resolveEngineConfig({}, full - 1)).batch).toBe(2);
    expect(planLoad(fakePackage, resolveEngineConfig({ contextLength: 100 }, full))).toMatchObject({
      batch: 4,
      context: 100,
      pages: 28,
    });
  });

  it("refuses what does not fit, with the numbers", () => {
    const refused = expect.objectContaining({
      code: "ERR_INSUFFICIENT_MEMORY",
      details: expect.objectContaining({ budget: one - 1, total: one }),
    });
    expect(() => planLoad(fakePackage, resolveEngineConfig({}, one - 1))).toThrow(refused);
    expect(() => planLoad(fakePackage, resolveEngineConfig({ maxBatch: 4 }, full - 1))).toThrow(
      expect.objectContaining({ code: "ERR_INSUFFICIENT_MEMORY" }),
    );
    expect(() => planLoad(fakePackage, resolveEngineConfig({ contextLength: 257 }))).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });

  it("says the same to the native engine", () => {
    const config = resolveEngineConfig({ threads: 3, maxBatch: 2, contextLength: 64 });
    const [library] = manifest.libraries;
    if (library === undefined) throw new Error("no library");
    expect(nativeConfig(fakePackage, library, planLoad(fakePackage, config), config)).toMatchObject({
      library: "/package/model.so",
      shards: [{ path: "/package/weights.bin", bytes: 64 }],
      params: [{ name: "w", dtype: "float32", shape: [4], shard: 0, offset: 0, bytes: 16 }],
      kvHeads: 1,
      pages: 8,
      contextLength: 64,
      maxBatch: 2,
      threads: 3,
      lockMemory: false,
    });
  });
});

describe("chooseLibrary", () => {
  const library = (triple: string, features: string[], file = "x.so"): ManifestLibrary => ({
    target: { kind: "llvm", triple, cpu: "some-cpu", features },
    file,
    functions: [],
  });
  const linux = "x86_64-unknown-linux-gnu";
  const host = { platform: "linux", arch: "x64", features: new Set(["avx2", "fma"]) };

  it("takes the most capable library the CPU can run", () => {
    const plain = library(linux, []);
    const fast = library(linux, ["+avx2", "fma"]);
    const faster = library(linux, ["avx2", "avx512f"]);
    expect(chooseLibrary([plain, faster, fast], host)).toBe(fast);
    expect(chooseLibrary([plain, faster], host)).toBe(plain);
  });

  it("names missing features, or the systems there are", () => {
    expect(() => chooseLibrary([library(linux, ["avx2", "avx512f", "avx512vnni"])], host)).toThrow(
      expect.objectContaining({
        code: "ERR_CPU_UNSUPPORTED",
        message: expect.stringContaining("avx512f, avx512vnni"),
        details: { missing: ["avx512f", "avx512vnni"], cpu: "some-cpu" },
      }),
    );
    expect(() => chooseLibrary([library("aarch64-apple-darwin", [])], host)).toThrow(
      /linux-x64.*aarch64-apple-darwin/,
    );
  });

  it.each([
    ["linux", "arm64", "aarch64-unknown-linux-gnu"],
    ["darwin", "arm64", "arm64-apple-darwin23.0.0"],
    ["darwin", "x64", "x86_64-apple-macosx13"],
    ["win32", "x64", "x86_64-pc-windows-msvc"],
  ])("knows %s-%s", (platform, arch, triple) => {
    const only = library(triple, []);
    expect(chooseLibrary([only], { platform, arch, features: new Set() })).toBe(only);
  });
});

describe("checkRuntimeVersion", () => {
  it("takes packages for this TVM only", () => {
    expect(() => checkRuntimeVersion({ ...TVM_VERSIONS })).not.toThrow();
    expect(() => checkRuntimeVersion({ ...TVM_VERSIONS, runtime: "0.1" })).toThrow(
      expect.objectContaining({
        code: "ERR_RUNTIME_MISMATCH",
        message: expect.stringContaining("received one for 0.1"),
      }),
    );
  });
});

describe("Engine.load", () => {
  it("refuses a folder that is none, an aborted signal and unknown options before anything is loaded", async () => {
    await expect(Engine.load("/nonexistent")).rejects.toMatchObject({ code: "ERR_MODEL_NOT_FOUND" });
    await expect(Engine.load("/nonexistent", { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ERR_ABORTED",
    });
    await expect(Reflect.apply(Engine.load, Engine, ["/x", { thread: 1 }])).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
  });
});
