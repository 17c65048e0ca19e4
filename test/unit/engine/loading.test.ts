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
      mixedPrefill: 128,
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
    [{ library: "" }, "library"],
    [{ library: 4 }, "library"],
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
      mixedPrefill: 128,
      lockMemory: false,
    });
  });
});

describe("chooseLibrary", () => {
  const LINUX = "x86_64-unknown-linux-gnu";
  const V3 = ["avx", "avx2", "f16c", "fma"];
  const V4 = [...V3, "avx512bw", "avx512f", "avx512vl"];
  const library = (name: string, triple: string, features: string[], vectorBits = 128): ManifestLibrary => ({
    name,
    target: { kind: "llvm", triple, cpu: name.split("+")[0] ?? "", vectorBits, features },
    file: `lib/${triple}/${name}.so`,
    functions: [],
  });
  const levels = [
    library("x86-64-v2", LINUX, []),
    library("x86-64-v3", LINUX, V3, 256),
    library("x86-64-v3+avxvnni", LINUX, [...V3, "avxvnni"], 256),
    library("x86-64-v4+avx512vnni", LINUX, [...V4, "avx512vnni"], 512),
    library("generic+dotprod", "aarch64-unknown-linux-gnu", ["dotprod", "neon"]),
  ];
  const host = (features: string[]) => ({
    platform: "linux",
    arch: "x64",
    features: new Set(["sse3", ...features]),
  });

  it.each([
    ["before AVX2", ["avx"], "x86-64-v2"],
    ["Haswell, Zen 3", [...V3, "vaes"], "x86-64-v3"],
    ["Alder Lake", [...V3, "avxvnni", "gfni"], "x86-64-v3+avxvnni"],
    ["Skylake-X", V4, "x86-64-v3"],
    ["Ice Lake, Zen 4", [...V4, "avx512vnni", "avx512vbmi"], "x86-64-v4+avx512vnni"],
    ["Sapphire Rapids, Zen 5", [...V4, "avx512vnni", "avxvnni"], "x86-64-v4+avx512vnni"],
  ])("%s", (_, features, expected) => {
    expect(chooseLibrary(levels, host(features)).name).toBe(expected);
    expect(chooseLibrary([...levels].reverse(), host(features)).name).toBe(expected);
  });

  it("prefers wide vectors to many features, then many features, then the first", () => {
    const wide = library("wide", LINUX, ["avx512f"], 512);
    const many = library("many", LINUX, V3, 256);
    const twin = library("twin", LINUX, V3, 256);
    expect(chooseLibrary([twin, many, wide], host(V4))).toBe(wide);
    expect(chooseLibrary([twin, many, wide], host(V3))).toBe(twin);
  });

  it("takes the one asked for, if there is one and it runs", () => {
    const zen4 = host([...V4, "avx512vnni"]);
    expect(chooseLibrary(levels, zen4, "x86-64-v3").name).toBe("x86-64-v3");
    expect(() => chooseLibrary(levels, zen4, "znver4")).toThrow(
      expect.objectContaining({
        code: "ERR_INVALID_ARGUMENT",
        message: expect.stringMatching(/x86-64-v2, x86-64-v3, .* received "znver4"/),
      }),
    );
    expect(() => chooseLibrary(levels, zen4, "x86-64-v3+avxvnni")).toThrow(
      expect.objectContaining({
        code: "ERR_CPU_UNSUPPORTED",
        message: expect.stringContaining("needs avxvnni, which this CPU lacks"),
      }),
    );
  });

  it("names what each library needs that is not there, or the system it is for", () => {
    const demanding = levels.slice(3);
    expect(() => chooseLibrary(demanding, host(V3))).toThrow(
      expect.objectContaining({
        code: "ERR_CPU_UNSUPPORTED",
        message: expect.stringMatching(
          /linux-x64.*v4\+avx512vnni needs avx512bw, avx512f, avx512vl, avx512vnni, .*generic\+dotprod is for aarch64/,
        ),
        details: {
          libraries: [
            expect.objectContaining({
              name: "x86-64-v4+avx512vnni",
              features: [...V4, "avx512vnni"],
              missing: ["avx512bw", "avx512f", "avx512vl", "avx512vnni"],
            }),
            expect.objectContaining({ name: "generic+dotprod", triple: "aarch64-unknown-linux-gnu" }),
          ],
        },
      }),
    );
    expect(() => chooseLibrary([library("apple-m1", "aarch64-apple-darwin", [])], host([]))).toThrow(
      /linux-x64.*apple-m1 is for aarch64-apple-darwin/,
    );
  });

  it.each([
    ["linux", "arm64", "aarch64-unknown-linux-gnu"],
    ["darwin", "arm64", "arm64-apple-darwin23.0.0"],
    ["darwin", "x64", "x86_64-apple-macosx13"],
    ["win32", "x64", "x86_64-pc-windows-msvc"],
  ])("knows %s-%s", (platform, arch, triple) => {
    const only = library("some-cpu", triple, []);
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
