/** The client's way to its host: a worker thread or a child process. */
import { type ChildProcess, fork } from "node:child_process";
import path from "node:path";
import type { Readable } from "node:stream";
import { Worker } from "node:worker_threads";
import { packageRoot } from "../package-root.js";
import type { FromHost, ToHost } from "./protocol.js";

/** Where the native engine lives beside this thread. */
export type HostKind = "worker" | "process";

/** How a host came to its end. */
export interface HostEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** What a worker threw, or why a process could not be started. */
  readonly error?: unknown;
}

/** A host that has been started. */
export interface HostChannel {
  readonly kind: HostKind;
  /** Of a process. */
  readonly pid: number | undefined;
  /** Sends; nothing happens where the host has ended. */
  post(message: ToHost): void;
  /** `onEnd` is called once, whatever ended the host. */
  listen(onMessage: (message: FromHost) => void, onEnd: (end: HostEnd) => void): void;
  /** While `busy`, the host keeps this process alive. */
  keepAlive(busy: boolean): void;
  /** Ends the host: by itself, and by force after so many milliseconds. Resolves when it has ended. */
  close(limitMs: number): Promise<void>;
}

/** Starts a host. */
export function startHost(kind: HostKind): HostChannel {
  return kind === "worker" ? workerChannel() : processChannel();
}

/** Always of the ES modules: a program of its own, whatever format its starter has. */
function programFile(): string {
  return path.join(packageRoot, "dist/esm/isolation/host-entry.js");
}

/** Standard output is the app's own: what libraries say in the host goes to its standard error. */
function showOutput(...streams: readonly (Readable | null)[]): void {
  for (const stream of streams) stream?.on("data", (chunk: Buffer) => process.stderr.write(chunk));
}

function workerChannel(): HostChannel {
  // Its standard output is not the app's, and reading it would keep the process alive; errors go to the app's standard error.
  const worker = new Worker(programFile(), { stdout: true, execArgv: [] });
  return {
    kind: "worker",
    pid: undefined,
    post: (message) => worker.postMessage(message),
    listen: (onMessage, onEnd) => {
      let thrown: { readonly error?: unknown } = {};
      worker.on("message", onMessage);
      worker.on("error", (error) => {
        thrown = { error };
      });
      worker.on("exit", (exitCode) => onEnd({ exitCode, signal: null, ...thrown }));
    },
    keepAlive: (busy) => (busy ? worker.ref() : worker.unref()),
    close: async () => {
      await worker.terminate();
    },
  };
}

function processChannel(): HostChannel {
  const child = fork(programFile(), [], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    serialization: "advanced",
    execArgv: [],
    // In Electron the executable is the app unless told to be Node.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: "1" },
  });
  showOutput(child.stdout, child.stderr);
  const ended = new Promise<HostEnd>((resolve) => {
    child.once("exit", (exitCode, signal) => resolve({ exitCode, signal }));
    // Of a process that runs: a message could not be sent, and its end follows.
    child.on("error", (error) => {
      if (child.pid === undefined) resolve({ exitCode: null, signal: null, error });
    });
  });
  return {
    kind: "process",
    pid: child.pid,
    post: (message) => {
      if (child.connected) child.send(message, () => undefined);
    },
    listen: (onMessage, onEnd) => {
      child.on("message", onMessage);
      void ended.then(onEnd);
    },
    keepAlive: (busy) => keepAlive(child, busy),
    close: (limitMs) => closeProcess(child, ended, limitMs),
  };
}

/** The process, its channel and its output: each would keep this process alive. */
function keepAlive(child: ChildProcess, busy: boolean): void {
  const act = busy ? "ref" : "unref";
  child[act]();
  child.channel?.[act]();
  for (const stream of [child.stdout, child.stderr])
    if (stream !== null && act in stream) (stream as Readable & Record<typeof act, () => void>)[act]();
}

async function closeProcess(child: ChildProcess, ended: Promise<HostEnd>, limitMs: number): Promise<void> {
  keepAlive(child, true);
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
  await ended;
  clearTimeout(timer);
}
