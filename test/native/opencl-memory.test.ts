// The OpenCL runtime: what it says of devices, and memory on them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { MlcError } from "../../lib/errors.js";
import { device, loadDeviceRuntime, Tensor } from "../../lib/ffi/index.js";
import { native } from "../../lib/ffi/native.js";
import { copy, fromDevice, part } from "../support/device-tensor.js";
import { globalFunction } from "../support/global-function.js";
import { runChild } from "../support/native-child.js";
import { onDevice, opencl, openclDevices } from "../support/opencl-device.js";

const [first] = openclDevices();
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
  it("refuses a kind of devices that has no runtime", () => {
    expect(thrownBy(() => native.loadDeviceRuntime("abacus"))).toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining('"abacus"'),
    });
  });

  it("happens once", () => {
    loadDeviceRuntime("opencl");
    expect(native.loadDeviceRuntime("opencl")).toBe(false);
  });

  const SAY_WHAT_IS_MISSING = `
    native.loadDeviceRuntime("opencl");
    const say = (action) => { try { action(); } catch (error) { console.log(error.code, error.message); } };
    say(() => call("node_mlc.opencl.list_devices"));
    say(() => native.Tensor.empty([1], "float32", { type: "opencl", index: 0 }));
  `;

  it("without a driver is an error with the remedy", async () => {
    // Where the ICD loader looks for drivers.
    const child = await runChild(SAY_WHAT_IS_MISSING, { env: { OCL_ICD_VENDORS: "/nonexistent/" } });
    expect(child).toMatchObject({ exitCode: 0, stderr: "" });
    const lines = child.stdout.trim().split("\n");
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^ERR_DEVICE_UNAVAILABLE .*pocl-opencl-icd/);
  });

  it.skipIf(process.platform !== "linux")("of a broken libOpenCL is an error with the remedy", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "node-mlc-opencl-"));
    for (const name of ["libOpenCL.so", "libOpenCL.so.1"])
      writeFileSync(path.join(folder, name), "no library");
    const child = await runChild(SAY_WHAT_IS_MISSING, { env: { LD_LIBRARY_PATH: folder } });
    rmSync(folder, { recursive: true });
    expect(child.exitCode).toBe(0);
    expect(child.stdout.split("\n")[0]).toMatch(
      /^ERR_DEVICE_UNAVAILABLE .*libOpenCL\.so\.1 does not load \(.*Install/,
    );
  });
});

describe.skipIf(first === undefined)("a device", () => {
  it("is described", () => {
    expect(first).toMatchObject({ index: 0, kind: expect.stringMatching(/^(gpu|cpu|accelerator)$/) });
    expect(first?.name).toMatch(/\S/);
    expect(first?.memoryBytes).toBeGreaterThan(2 ** 20);
    expect(first?.maxAllocationBytes).toBeGreaterThan(2 ** 20);
    expect(first?.computeUnits).toBeGreaterThan(0);
    expect(Object.values(first?.features ?? {}).every((value) => typeof value === "boolean")).toBe(true);
  });

  it("answers what TVM asks of it", () => {
    const attribute = (kind: number, index = 0) =>
      globalFunction("runtime.GetDeviceAttr").call(4, index, kind);
    expect(attribute(0)).toBe(1);
    expect(attribute(0, 99)).toBe(0);
    expect(attribute(0, -1)).toBe(0);
    expect(attribute(1)).toBe(first?.maxThreadsPerBlock);
    expect(attribute(2)).toBe(1);
    expect(attribute(3)).toBe(first?.sharedMemoryBytes);
    expect(attribute(4)).toMatch(/^\d+\.\d+$/);
    expect(attribute(5)).toBe(first?.name);
    expect(attribute(7)).toBe(first?.computeUnits);
    expect(attribute(8)).toMatch(/^\[\d+, \d+, \d+\]$/);
    expect(attribute(12)).toBe(first?.driver);
    expect(attribute(14)).toBe(first?.memoryBytes);
    expect(attribute(15)).toBeNull();
  });

  it("that is not there is an error", () => {
    expect(thrownBy(() => Tensor.empty([1], "float32", device("opencl", 99)))).toMatchObject({
      code: "ERR_DEVICE_UNAVAILABLE",
      message: expect.stringContaining("99"),
    });
  });

  it("has a timer for TVM's evaluators", () => {
    const timer = globalFunction("runtime.timer.opencl").call(opencl());
    expect(timer).toMatchObject({ typeKey: "node_mlc.QueueTimer" });
    expect(thrownBy(() => globalFunction("runtime.timer.opencl").call(device("opencl", 99)))).toMatchObject({
      code: "ERR_DEVICE_UNAVAILABLE",
    });
  });
});

describe.skipIf(first === undefined)("memory", () => {
  // Small uploads are staged, large ones are not; both sides of the limit.
  it.each([1, 1000, 2 ** 16, 2 ** 16 + 1, 2 ** 20])("of %i numbers comes back as it was", (length) => {
    expect(fromDevice(onDevice(numbers(length)))).toEqual(numbers(length));
  });

  it("without elements is allocated and copied", () => {
    expect(fromDevice(Tensor.empty([0, 3], "float32", opencl()))).toHaveLength(0);
  });

  it("of a view begins at its offset, in every direction", () => {
    const whole = onDevice(numbers(100));
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
      const tensor = Tensor.empty([1000], "float32", opencl());
      copy(host, tensor);
      return tensor;
    });
    for (const [round, tensor] of tensors.entries())
      expect(fromDevice(tensor)).toEqual(new Float32Array(1000).fill(round));
  });

  it("beyond the largest allocation is refused with the limit", () => {
    const elements = Math.ceil(((first?.maxAllocationBytes ?? 0) + 1) / 4);
    expect(thrownBy(() => Tensor.empty([elements], "float32", opencl()))).toMatchObject({
      code: "ERR_INSUFFICIENT_MEMORY",
      message: expect.stringContaining(`${Math.floor((first?.maxAllocationBytes ?? 0) / 2 ** 20)} MB`),
    });
  });

  it("is freed", () => {
    // Together far more than the device has.
    const bytes = Math.min(first?.maxAllocationBytes ?? 0, 2 ** 28);
    const rounds = Math.ceil((2 * (first?.memoryBytes ?? 0)) / bytes);
    for (let round = 0; round < rounds; round++) Tensor.empty([bytes], "uint8", opencl()).dispose();
    expect(fromDevice(onDevice([1, 2]))).toEqual(Float32Array.of(1, 2));
  });

  it("that is still there when the process ends does no harm", async () => {
    const child = await runChild(`
      native.loadDeviceRuntime("opencl");
      globalThis.kept = native.Tensor.empty([1000], "float32", { type: "opencl", index: 0 });
      native.bindGlobalFunction("runtime.TVMTensorCopyFromTo")(native.Tensor.from(new Float32Array(1000), [1000]), kept);
      console.log("done");
    `);
    expect(child).toMatchObject({ exitCode: 0, stdout: "done\n" });
  });
});
