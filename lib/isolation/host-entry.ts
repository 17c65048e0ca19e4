/** The program of the worker thread or child process that an isolated engine lives in. */
import { parentPort } from "node:worker_threads";
import { type ClientPort, EngineHost } from "./engine-host.js";
import { toPlainError } from "./protocol.js";

/** To the thread that started this worker. */
function threadPort(port: NonNullable<typeof parentPort>): ClientPort {
  return {
    post: (message) => port.postMessage(message),
    listen: (onMessage) => port.on("message", onMessage),
  };
}

/** To the process that forked this one. */
function processPort(): ClientPort {
  // Without its parent nobody waits for an answer.
  process.on("disconnect", () => process.exit());
  // These go to the whole group of processes; the parent decides what they mean, and ends this one by disconnecting.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  return {
    // A message that cannot be sent any more: the event "disconnect" follows.
    post: (message) => void process.send?.(message, undefined, undefined, () => undefined),
    listen: (onMessage) => process.on("message", onMessage),
  };
}

async function serve(): Promise<void> {
  const port = parentPort === null ? processPort() : threadPort(parentPort);
  try {
    const { addonRuntime } = await import("../ffi/index.js");
    new EngineHost(port, addonRuntime);
  } catch (error) {
    port.post({ type: "unavailable", error: toPlainError(error) });
  }
}

void serve();
