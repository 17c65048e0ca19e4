// The Vulkan runtime: what it says of devices, and memory on them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { MlcError } from "../../lib/errors.js";
import { dtype, loadDeviceRuntime, runtimeDevice, shape, Tensor } from "../../lib/ffi/index.js";
import { native } from "../../lib/ffi/native.js";
import { copy, fromDevice, part } from "../support/device-tensor.js";
import { globalFunction } from "../support/global-function.js";
import { runChild } from "../support/native-child.js";
import { onVulkan, vulkan, vulkanDevices } from "../support/vulkan-device.js";

const [first] = vulkanDevices();
const numbers = (length: number) => Float32Array.from({ length }, (_, index) => index + 0.5);

function thrownBy(action: () => unknown): MlcError {
  try {
    action();
  } catch (error) {
    if (error instanceof MlcError) return error;
    throw error;
  }
  throw new Error("Expected an error.");
}

describe("loading", () => {
  it("happens once", () => {
    loadDeviceRuntime("vulkan");
    expect(native.loadDeviceRuntime("vulkan")).toBe(false);
  });

  const SAY_WHAT_IS_MISSING = `
    native.loadDeviceRuntime("vulkan");
    const say = (action) => { try { action(); } catch (error) { console.log(error.code, error.message); } };
    say(() => call("node_mlc.vulkan.list_devices"));
    say(() => native.Tensor.empty([1], "float32", { type: "webgpu", index: 0 }));
  `;

  it("without a driver is an error with the remedy", async () => {
    // The loader's list of drivers.
    const none = "/nonexistent/driver.json";
    const child = await runChild(SAY_WHAT_IS_MISSING, {
      env: { VK_ICD_FILENAMES: none, VK_DRIVER_FILES: none },
    });
    expect(child.exitCode).toBe(0);
    const lines = child.stdout.trim().split("\n");
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^ERR_DEVICE_UNAVAILABLE .*mesa-vulkan-drivers/);
  });

  it("with a feature switched off that there is none of is an error with those there are", async () => {
    const child = await runChild(SAY_WHAT_IS_MISSING, {
      env: { NODE_MLC_VULKAN_DISABLE: "subgroups,float16" },
    });
    expect(child.exitCode).toBe(0);
    expect(child.stdout.split("\n")[0]).toMatch(
      /^ERR_DEVICE_UNAVAILABLE .*NODE_MLC_VULKAN_DISABLE .*shaderFloat16.*"float16"/,
    );
  });

  it.skipIf(process.platform !== "linux")("of a broken libvulkan is an error with the remedy", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "node-mlc-vulkan-"));
    for (const name of ["libvulkan.so", "libvulkan.so.1"])
      writeFileSync(path.join(folder, name), "no library");
    const child = await runChild(SAY_WHAT_IS_MISSING, { env: { LD_LIBRARY_PATH: folder } });
    rmSync(folder, { recursive: true });
    expect(child.exitCode).toBe(0);
    expect(child.stdout.split("\n")[0]).toMatch(
      /^ERR_DEVICE_UNAVAILABLE .*libvulkan\.so\.1 does not load \(.*Install/,
    );
  });
});

describe.skipIf(first === undefined)("a device", () => {
  it("is described", () => {
    expect(first).toMatchObject({ index: 0, kind: expect.stringMatching(/^(gpu|cpu|accelerator)$/) });
    expect(first?.name).toMatch(/\S/);
    expect(first?.memoryBytes).toBeGreaterThan(2 ** 20);
    expect(first?.maxAllocationBytes).toBeGreaterThan(2 ** 20);
    expect(Object.values(first?.features ?? {}).every((value) => typeof value === "boolean")).toBe(true);
  });

  it("answers what TVM asks of it", () => {
    const attribute = (kind: number, index = 0) =>
      globalFunction("runtime.GetDeviceAttr").call(15, index, kind);
    expect(attribute(0)).toBe(1);
    expect(attribute(0, 99)).toBe(0);
    expect(attribute(0, -1)).toBe(0);
    expect(attribute(1)).toBe(first?.maxThreadsPerBlock);
    expect(attribute(2)).toBeGreaterThan(0);
    expect(attribute(3)).toBe(first?.sharedMemoryBytes);
    expect(attribute(4)).toMatch(/^Vulkan \d+\.\d+\.\d+$/);
    expect(attribute(5)).toBe(first?.name);
    expect(attribute(7)).toBeNull();
    expect(attribute(8)).toMatch(/^\[\d+, \d+, \d+\]$/);
    expect(attribute(12)).toBe(first?.driver);
    expect(attribute(14)).toBe(first?.memoryBytes);
    const available = attribute(15);
    if (available !== null) expect(available).toBeGreaterThan(0);
  });

  it("that is not there is an error", () => {
    expect(thrownBy(() => Tensor.empty([1], "float32", runtimeDevice("vulkan", 99)))).toMatchObject({
      code: "ERR_DEVICE_UNAVAILABLE",
      message: expect.stringContaining("99"),
    });
  });

  it("has a timer for TVM's evaluators", () => {
    const timer = globalFunction("runtime.timer.webgpu").call(vulkan());
    expect(timer).toMatchObject({ typeKey: "node_mlc.QueueTimer" });
    expect(
      thrownBy(() => globalFunction("runtime.timer.webgpu").call(runtimeDevice("vulkan", 99))),
    ).toMatchObject({
      code: "ERR_DEVICE_UNAVAILABLE",
    });
  });
});

describe.skipIf(first === undefined)("memory", () => {
  // Small uploads go into the command buffer, others through a ring of 32 MB in parts of 8: both sides of each limit.
  it.each([1, 2 ** 14, 2 ** 14 + 1, 2 ** 21 + 3, 10 * 2 ** 20])(
    "of %i numbers comes back as it was",
    (length) => {
      const back = fromDevice(onVulkan(numbers(length)));
      expect(back).toHaveLength(length);
      expect(back.findIndex((value, index) => value !== Math.fround(index + 0.5))).toBe(-1);
    },
  );

  it("without elements is allocated and copied", () => {
    expect(fromDevice(Tensor.empty([0, 3], "float32", vulkan()))).toHaveLength(0);
  });

  it("is copied from and to any byte", () => {
    const bytes = Uint8Array.from({ length: 300 }, (_, index) => index);
    const on = Tensor.empty([300], "uint8", vulkan());
    copy(Tensor.from(bytes, [300]), on);
    const view = (begin: number, length: number) =>
      globalFunction("runtime.TVMTensorCreateView").call(
        on,
        shape([length]),
        dtype("uint8"),
        begin,
      ) as Tensor;
    copy(Tensor.from(Uint8Array.of(91, 92, 93, 94), [4]), view(5, 4));
    copy(Tensor.from(Uint8Array.of(95, 96, 97), [3]), view(12, 3));
    copy(view(5, 3), view(101, 3));
    const host = Tensor.empty([300], "uint8");
    copy(on, host);
    bytes.set([91, 92, 93, 94], 5);
    bytes.set([95, 96, 97], 12);
    bytes.set([91, 92, 93], 101);
    expect(host.view()).toEqual(bytes);
    const small = Tensor.empty([3], "uint8");
    copy(view(102, 3), small);
    expect(small.view()).toEqual(bytes.slice(102, 105));
  });

  it("of a view begins at its offset, in every direction", () => {
    const whole = onVulkan(numbers(100));
    expect(fromDevice(part(whole, 10, 5))).toEqual(numbers(100).slice(10, 15));
    copy(Tensor.from(Float32Array.of(1, 2, 3), [3]), part(whole, 20, 3));
    copy(part(whole, 19, 5), part(whole, 50, 5));
    const expected = numbers(100);
    expected.set([1, 2, 3], 20);
    expected.set([19.5, 1, 2, 3, 23.5], 50);
    expect(fromDevice(whole)).toEqual(expected);
  });

  it("may be reused on the host as soon as it was copied", () => {
    const host = Tensor.from(numbers(1000), [1000]);
    const tensors = Array.from({ length: 50 }, (_, round) => {
      (host.view() as Float32Array).fill(round);
      const tensor = Tensor.empty([1000], "float32", vulkan());
      copy(host, tensor);
      return tensor;
    });
    for (const [round, tensor] of tensors.entries())
      expect(fromDevice(tensor)).toEqual(new Float32Array(1000).fill(round));
  });

  it("beyond the largest allocation is refused with the limit", () => {
    const elements = Math.ceil(((first?.maxAllocationBytes ?? 0) + 1) / 4);
    expect(thrownBy(() => Tensor.empty([elements], "float32", vulkan()))).toMatchObject({
      code: "ERR_INSUFFICIENT_MEMORY",
      message: expect.stringContaining(`${Math.floor((first?.maxAllocationBytes ?? 0) / 2 ** 20)} MB`),
    });
  });

  it("is freed", () => {
    // Together far more than the device has.
    const bytes = Math.min(first?.maxAllocationBytes ?? 0, 2 ** 28);
    const rounds = Math.ceil((2 * (first?.memoryBytes ?? 0)) / bytes);
    for (let round = 0; round < rounds; round++) Tensor.empty([bytes], "uint8", vulkan()).dispose();
    expect(fromDevice(onVulkan([1, 2]))).toEqual(Float32Array.of(1, 2));
  });

  it("that is still there when the process ends does no harm", async () => {
    const child = await runChild(`
      native.loadDeviceRuntime("vulkan");
      globalThis.kept = native.Tensor.empty([1000], "float32", { type: "webgpu", index: 0 });
      native.bindGlobalFunction("runtime.TVMTensorCopyFromTo")(native.Tensor.from(new Float32Array(1000), [1000]), kept);
      console.log("done");
    `);
    expect(child).toMatchObject({ exitCode: 0, stdout: "done\n" });
  });
});
