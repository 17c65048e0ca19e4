// What the package says of devices, whatever this machine has.
import { describe, expect, it } from "vitest";
import { cpuDevice, devices } from "../../lib/engine/devices.js";
import { openclDevices } from "../support/opencl-device.js";

describe("devices", () => {
  it("begin with the processor", async () => {
    const [first] = await devices();
    expect(first).toMatchObject({ type: "cpu", available: true, name: (await cpuDevice()).name });
  });

  it("are those of the OpenCL runtime, or one entry that says what is missing", async () => {
    const [, ...others] = await devices();
    const expected = openclDevices().map((device) => ({ type: "opencl", available: true, ...device }));
    if (expected.length > 0) expect(others).toEqual(expected);
    else
      expect(others).toEqual([
        { type: "opencl", available: false, reason: expect.stringMatching(/Install/) },
      ]);
  });
});
