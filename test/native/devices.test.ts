// What the package says of devices, whatever this machine has.
import { describe, expect, it } from "vitest";
import { cpuDevice, devices } from "../../lib/engine/devices.js";
import { type DeviceRuntime, listDevices } from "../../lib/ffi/index.js";

describe("devices", () => {
  it("begin with the processor", async () => {
    const [first] = await devices();
    expect(first).toMatchObject({ type: "cpu", available: true, name: (await cpuDevice()).name });
  });

  it.each<DeviceRuntime>(["cuda", "opencl", "vulkan"])(
    "are those of the %s runtime, or one entry that says what is missing",
    async (type) => {
      const received = (await devices()).filter((device) => device.type === type);
      expect(received).toEqual(expectedOf(type));
    },
  );

  it("are the processor's, CUDA's, OpenCL's and Vulkan's, in that order", async () => {
    const types = (await devices()).map(({ type }) => type);
    expect([...new Set(types)]).toEqual(["cpu", "cuda", "opencl", "vulkan"]);
  });
});

function expectedOf(type: DeviceRuntime): unknown[] {
  try {
    return listDevices(type).map((device) => ({ type, available: true, ...device }));
  } catch {
    return [{ type, available: false, reason: expect.stringMatching(/Install/) }];
  }
}
