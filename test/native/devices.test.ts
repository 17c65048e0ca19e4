// What the package says of devices, whatever this machine has.
import { describe, expect, it } from "vitest";
import { cpuDevice, devices } from "../../lib/engine/devices.js";
import { openclDevices } from "../support/opencl-device.js";
import { vulkanDevices } from "../support/vulkan-device.js";

describe("devices", () => {
  it("begin with the processor", async () => {
    const [first] = await devices();
    expect(first).toMatchObject({ type: "cpu", available: true, name: (await cpuDevice()).name });
  });

  it("are those of each runtime, or one entry that says what is missing", async () => {
    const found = await devices();
    const runtimes = { opencl: openclDevices(), vulkan: vulkanDevices() };
    for (const [type, expected] of Object.entries(runtimes))
      expect(found.filter((device) => device.type === type)).toEqual(
        expected.length > 0
          ? expected.map((device) => ({ type, available: true, ...device }))
          : [{ type, available: false, reason: expect.stringMatching(/Install/) }],
      );
  });
});
