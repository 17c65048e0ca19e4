// `compile`: checks the options, runs the compile line in a child process (compile-process.ts) and opens what it wrote.
// The child keeps the compiler's memory and its long synchronous calls away from the caller.
import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { MlcError } from "../errors.js";
import { ModelPackage } from "../package/model-package.js";
import { removeStale } from "../package/staging.js";
import { packageRoot } from "../package-root.js";
import { type CompileOptions, type CompileRequest, compileRequest } from "./compile-options.js";
import { type ChildMessage, fromPlainError, type StartMessage } from "./compile-protocol.js";

/** Lines of the child's standard error kept for the message of a crash. */
const STDERR_TAIL_CHARACTERS = 2000;

/**
 * Compiles a model ahead of time into a package folder.
 * @param source a Hugging Face folder or a `.gguf` file.
 * @returns the package, opened (no weights read).
 * @throws MlcError with the code of what failed; ERR_ABORTED when `options.signal` fires. Nothing half-written remains.
 */
export async function compile(source: string, options: CompileOptions = {}): Promise<ModelPackage> {
  const request = compileRequest(source, options);
  if (options.signal?.aborted) throw aborted(options.signal);
  return ModelPackage.open(await runInChild(request, options));
}

/** Runs one request in a child process and returns the package's folder. */
async function runInChild(request: CompileRequest, options: CompileOptions): Promise<string> {
  const child = fork(processFile(), [], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    serialization: "advanced",
    execArgv: [],
    // In Electron the executable is the app unless told to be Node.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: "1" },
  });
  const state: ChildState = { output: undefined, stderr: "" };
  const onAbort = () => child.kill("SIGKILL");
  options.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await outcome(child, request, options, state);
  } catch (error) {
    if (state.output !== undefined) await removeStale(state.output);
    throw options.signal?.aborted ? aborted(options.signal) : error;
  } finally {
    options.signal?.removeEventListener("abort", onAbort);
    child.kill("SIGKILL");
  }
}

interface ChildState {
  /** The package's place, once the child is about to write beside it: a killed child cannot clean up itself. */
  output: string | undefined;
  stderr: string;
}

/** Settles once the child is gone, so that nothing of it writes any more when the caller goes on. */
function outcome(
  child: ChildProcess,
  request: CompileRequest,
  options: CompileOptions,
  state: ChildState,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let folder: string | undefined;
    let failure: Error | undefined;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      state.stderr = (state.stderr + text).slice(-STDERR_TAIL_CHARACTERS);
    });
    child.on("message", (message: ChildMessage) => {
      if (message.type === "progress") options.onProgress?.(message.event);
      else if (message.type === "output") state.output = message.folder;
      else if (message.type === "done") folder = message.folder;
      else failure = fromPlainError(message.error);
    });
    child.on("error", (cause) => {
      failure ??= new MlcError("ERR_COMPILE", `The compile process could not run: ${cause.message}`, {
        cause,
      });
    });
    child.on("close", (code, signal) => {
      if (failure !== undefined) reject(failure);
      else if (folder !== undefined) resolve(folder);
      else reject(crashed(code, signal, state.stderr));
    });
    child.send({ type: "start", request } satisfies StartMessage);
  });
}

function crashed(code: number | null, signal: string | null, stderr: string): MlcError {
  const how = signal === null ? `with code ${code}` : `by signal ${signal}`;
  return new MlcError(
    "ERR_COMPILE",
    `Expected the compile process to report a result but it ended ${how}.${stderr === "" ? "" : `\n${stderr.trim()}`}`,
    { details: { code, signal } },
  );
}

function aborted(signal: AbortSignal): MlcError {
  return new MlcError("ERR_ABORTED", "The compilation was aborted.", { cause: signal.reason });
}

/** The built program of the child; from lib/ (tests) and from either module format it is the ESM build's. */
function processFile(): string {
  const file = path.join(packageRoot, "dist/esm/compiler/compile-process.js");
  if (!existsSync(file))
    throw new MlcError(
      "ERR_COMPILE",
      `Expected the built compile process ${file} but it is absent: run npm run build:js.`,
    );
  return file;
}
