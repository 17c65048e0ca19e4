import { describe, expect, it, onTestFinished, vi } from "vitest";
import { choosePlacement, type DeviceRequest, expectDevice } from "../../../lib/engine/device-choice.js";
import { planLoad, resolveEngineConfig } from "../../../lib/engine/engine-config.js";
import { loadWithFallback } from "../../../lib/engine/engine-load.js";
import { MlcError } from "../../../lib/errors.js";
import type { RuntimeDevice } from "../../../lib/ffi/index.js";
import type { ManifestLibrary } from "../../../lib/package/manifest.js";
import { planMemory } from "../../../lib/package/memory-plan.js";
import { fakeManifest } from "../../support/fake-engine.js";

const machine = { platform: "linux", arch: "x64", features: new Set(["avx2"]) };
const GIGABYTE = 2 ** 30;

function library(name: string, change: Partial<ManifestLibrary["target"]> = {}): ManifestLibrary {
  const target: ManifestLibrary["target"] = {
    kind: "llvm",
    triple: "x86_64-unknown-linux-gnu",
    cpu: "x86-64",
    vectorBits: 128,
    features: [],
    ...change,
  };
  return { name, target, file: `${name}.so`, functions: [{ name: "embed", temporaryBytes: 0 }] };
}

const CPU = library("x86-64-v3", { vectorBits: 256, features: ["avx2"] });
const OPENCL = library("opencl", { gpu: "opencl" });

function driver(index: number, change: Partial<RuntimeDevice> = {}): RuntimeDevice {
  return {
    index,
    kind: "gpu",
    name: `GPU ${index}`,
    vendor: "",
    platform: "",
    driver: "",
    version: "",
    memoryBytes: 8 * GIGABYTE,
    maxAllocationBytes: 2 * GIGABYTE,
    sharedMemoryBytes: 32768,
    maxThreadsPerBlock: 256,
    computeUnits: 8,
    features: { fp16: false, fp64: false, subgroups: false, integerDotProduct: false, unifiedMemory: false },
    ...change,
  };
}

function choose(
  found: readonly RuntimeDevice[] | MlcError,
  device: DeviceRequest = { type: "auto" },
  change: { libraries?: readonly ManifestLibrary[]; library?: string; leastBytes?: number } = {},
) {
  const devices = async () => {
    if (found instanceof MlcError) throw found;
    return found;
  };
  return choosePlacement({
    libraries: change.libraries ?? [CPU, OPENCL],
    machine,
    device,
    library: change.library,
    leastBytes: change.leastBytes ?? GIGABYTE,
    runtime: { devices },
  });
}

const unavailable = new MlcError("ERR_DEVICE_UNAVAILABLE", "no driver: install one");

describe("auto", () => {
  it("takes the first GPU with the memory", async () => {
    const small = driver(0, { memoryBytes: GIGABYTE / 2 });
    expect(await choose([small, driver(1), driver(2)])).toMatchObject({
      library: { name: "opencl" },
      device: { type: "opencl", index: 1, name: "GPU 1" },
    });
  });

  it.each<readonly [string, readonly RuntimeDevice[] | MlcError, RegExp]>([
    ["there is no driver", unavailable, /no driver/],
    ["a driver computes on the processor", [driver(0, { kind: "cpu" })], /no GPU/],
    ["no GPU has the memory", [driver(0, { memoryBytes: GIGABYTE })], /no GPU with 1074 MB/],
  ])("takes the processor where %s, and says so", async (_why, found, reason) => {
    const { library: chosen, device } = await choose(found);
    expect([chosen.name, device.type]).toEqual(["x86-64-v3", "cpu"]);
    expect(device.reason).toMatch(reason);
  });

  it("asks no driver where the package has code for the processor only", async () => {
    const { device } = await choose(unavailable, { type: "auto" }, { libraries: [CPU] });
    expect(device).toMatchObject({ type: "cpu", reason: expect.stringMatching(/code for nothing else/) });
  });

  it("lets no crash of an isolated host pass for a missing driver", async () => {
    const crash = new MlcError("ERR_ENGINE_CRASHED", "gone");
    await expect(choose(crash)).rejects.toBe(crash);
  });
});

describe("a device by name", () => {
  it("is taken by its index, whatever kind it is", async () => {
    const found = [driver(0), driver(1, { kind: "cpu" })];
    expect((await choose(found, { type: "opencl", index: 1 })).device).toMatchObject({ index: 1 });
  });

  it("is an error where it is not there, or the package has no code for it", async () => {
    const asked = { type: "opencl", index: 3 } as const;
    await expect(choose([driver(0)], asked)).rejects.toMatchObject({ code: "ERR_DEVICE_UNAVAILABLE" });
    await expect(choose(unavailable, asked)).rejects.toMatchObject({ message: "no driver: install one" });
    const request = choose([driver(0)], asked, { libraries: [CPU] });
    await expect(request).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining("--target cpu,opencl"),
    });
  });

  it("is what the name of its library asks for", async () => {
    expect((await choose([driver(0)], { type: "auto" }, { library: "opencl" })).device.type).toBe("opencl");
    expect((await choose([driver(0)], { type: "auto" }, { library: "x86-64-v3" })).device.type).toBe("cpu");
  });

  it.each(["gpu", "opencl:", "opencl:-1", "opencl:1.5", "", 1, "cpu:0"])("refuses %j", (value) => {
    expect(() => expectDevice(value)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  });
});

it("plans the cache for the device's memory, in one allocation", () => {
  const manifest = fakeManifest();
  const { contextLength, maxBatch } = manifest.limits;
  const pack = { manifest, plan: (request = {}) => planMemory(manifest, request) };
  const config = resolveEngineConfig({});
  const { kv } = planMemory(manifest, { batch: 2, context: contextLength });
  const plan = planLoad(pack, config, 0, driver(0, { maxAllocationBytes: kv }));
  expect([maxBatch > 2, plan.batch, plan.kv]).toEqual([true, 2, kv]);
  const poor = driver(0, { memoryBytes: 1000 });
  expect(() => planLoad(pack, config, 0, poor)).toThrow(
    expect.objectContaining({ code: "ERR_INSUFFICIENT_MEMORY" }),
  );
});

describe("a load that fails on the device", () => {
  const failure = new MlcError("ERR_DEVICE_LOST", "it is gone", { details: { device: "opencl:0" } });

  it("is done again on the processor, with a warning, where nobody asked for the device", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    onTestFinished(() => warn.mockRestore());
    const load = async (fallback: string | undefined) => {
      if (fallback === undefined) throw failure;
      return fallback;
    };
    expect(await loadWithFallback({}, load)).toBe("it is gone");
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/CPU: it is gone/), {
      code: "ERR_DEVICE_LOST",
    });
    await expect(loadWithFallback({ device: "opencl" }, load)).rejects.toBe(failure);
    const other = new MlcError("ERR_IO", "no file");
    await expect(loadWithFallback({}, () => Promise.reject(other))).rejects.toBe(other);
  });
});
