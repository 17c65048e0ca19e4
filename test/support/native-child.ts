import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

/** Loads the addon as lib/ffi/native.ts does, in plain CommonJS that a bare `node -e` or worker can run. */
export const nativePrelude = `
const path = require("node:path");
const { createRequire } = require("node:module");
const root = ${JSON.stringify(root)};
const addon = process.env.NODE_MLC_ADDON;
const native = addon ? require(path.resolve(addon)) : createRequire(root + "/package.json")("node-gyp-build")(root);
native.initialize((code, message, details) => Object.assign(new Error(message), { code, details }), 2 ** 32);
const call = (name, ...args) => native.bindGlobalFunction(name)(...args);
const loadCompiler = () => native.loadLibrary(process.env.NODE_MLC_COMPILER_LIBRARY ??
  root + "/deps/" + process.platform + "-" + process.arch + "/tvm/lib/" +
  ({ win32: "tvm_compiler.dll", darwin: "libtvm_compiler.dylib" }[process.platform] ?? "libtvm_compiler.so"));
`;

export interface ChildResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `script` after the prelude in a process of its own; a child that does not end in time is killed (SIGKILL). */
export function runChild(
  script: string,
  options: { timeoutMs?: number; flags?: string[]; env?: Record<string, string> } = {},
): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...(options.flags ?? []), "-e", `${nativePrelude}${script}`], {
      env: { ...process.env, ...options.env },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 30_000);
    child.on("error", reject);
    child.on("close", (exitCode, signal) => {
      clearTimeout(timer);
      resolve({ exitCode, signal, stdout, stderr });
    });
  });
}

/** A worker that runs `script` after the prelude; `parentPort` and `workerData` are in scope. */
export function startWorker(script: string, workerData: unknown = undefined): Worker {
  const ports = 'const { parentPort, workerData } = require("node:worker_threads");';
  return new Worker(`${nativePrelude}${ports}${script}`, { eval: true, workerData });
}

/** The first message of a worker; rejects on its error or exit. */
export function firstMessage(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the worker ended with ${code} before a message`)));
  });
}
