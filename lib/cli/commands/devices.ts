/** `node-mlc devices`: what this machine can run models on. */
import { type CpuDevice, type DeviceInfo, type DriverDevice, devices } from "../../engine/devices.js";
import { defineCommand } from "../command.js";
import { lines, megabytes } from "../output.js";

export const devicesCommand = defineCommand({
  meta: { name: "devices", description: "List the devices of this machine" },
  args: {},
  async run(_args, { output }) {
    const found = await devices();
    output.result({ devices: found }, () => found.map(describe).join("\n\n"));
  },
});

function describe(device: DeviceInfo): string {
  if (!device.available) return lines([[device.type, device.reason]]);
  return device.type === "cpu" ? describeCpu(device) : describeDriverDevice(device);
}

function describeCpu(device: CpuDevice): string {
  return lines([
    [device.type, device.name],
    ["threads", device.threads],
    ["memory", `${megabytes(device.memoryBytes)}, ${megabytes(device.freeMemoryBytes)} free`],
    ["features", device.features.join(" ")],
  ]);
}

function describeDriverDevice(device: DriverDevice): string {
  const features = Object.entries(device.features).filter(([, has]) => has);
  return lines([
    [`${device.type}:${device.index}`, `${device.name} (${device.kind})`],
    ["driver", `${device.platform} ${device.driver}`],
    ["compute units", device.computeUnits || "unknown"],
    ["memory", `${megabytes(device.memoryBytes)}, ${megabytes(device.maxAllocationBytes)} in one allocation`],
    ["features", features.map(([name]) => name).join(" ")],
  ]);
}
