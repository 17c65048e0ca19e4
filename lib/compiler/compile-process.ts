// The program of the compile child process: receives one request, reports progress, ends with the package's folder or an error.
import { buildModel } from "./build-model.js";
import { type ChildMessage, type StartMessage, toPlainError } from "./compile-protocol.js";

function send(message: ChildMessage): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, () => resolve());
  });
}

async function main({ request }: StartMessage): Promise<void> {
  try {
    const folder = await buildModel(request, {
      onProgress: (event) => void send({ type: "progress", event }),
      onOutput: (folder) => send({ type: "output", folder }),
    });
    await send({ type: "done", folder });
  } catch (error) {
    await send({ type: "error", error: toPlainError(error) });
  }
  process.disconnect();
}

// Without its parent nobody waits for the result.
process.on("disconnect", () => process.exit());
process.once("message", (message: StartMessage) => void main(message));
