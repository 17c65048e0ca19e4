/** `node-mlc devices`: what this machine can run models on. */
import { devices } from "../../engine/devices.js";
import { defineCommand } from "../command.js";
import { lines, megabytes } from "../output.js";

export const devicesCommand = defineCommand({
  meta: { name: "devices", description: "List the devices of this machine" },
  args: {},
  async run(_args, { output }) {
    const found = await devices();
    output.result({ devices: found }, () =>
      found
        .map((device) =>
          lines([
            [device.type, device.name],
            ["threads", device.threads],
            ["memory", `${megabytes(device.memoryBytes)}, ${megabytes(device.freeMemoryBytes)} free`],
            ["features", device.features.join(" ")],
          ]),
        )
        .join("\n\n"),
    );
  },
});
