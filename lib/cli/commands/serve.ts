/** `node-mlc serve`: models over HTTP until Ctrl-C or SIGTERM. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { pino } from "pino";
import type { EngineOptions } from "../../engine/engine-config.js";
import { expectIsolation } from "../../engine/isolation-choice.js";
import { MlcError } from "../../errors.js";
import { type RunningServer, type ServeOptions, serve } from "../../server/listen.js";
import type { ServedModel } from "../../server/model-pool.js";
import { defineCommand, integerFlag, numberFlag } from "../command.js";
import { ENGINE_ARGS } from "../engine-flags.js";

const MEGABYTE = 2 ** 20;
const DEFAULT_DRAIN_SECONDS = 30;
const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;

export const serveCommand = defineCommand({
  meta: { name: "serve", description: "Serve models over HTTP, as OpenAI and Ollama do" },
  args: {
    packages: {
      type: "positional",
      description: "Folders of compiled packages, separated by commas; NAME=FOLDER gives one another name",
    },
    host: { type: "string", valueHint: "ADDRESS", description: "Address to listen at (default: 127.0.0.1)" },
    port: { type: "string", valueHint: "N", description: "Port (default: 8080; 0: any free one)" },
    socket: { type: "string", valueHint: "PATH", description: "A UNIX socket in place of host and port" },
    "tls-cert": { type: "string", valueHint: "FILE", description: "Certificate (PEM), with --tls-key" },
    "tls-key": { type: "string", valueHint: "FILE", description: "Key of the certificate (PEM)" },
    "api-keys": {
      type: "string",
      valueHint: "FILE",
      description:
        "JSON list of keys with their limits (or one key in NODE_MLC_API_KEY); default: none needed",
    },
    "open-probes": { type: "boolean", description: "/health and /ready need no key" },
    "allowed-host": {
      type: "string",
      valueHint: "LIST",
      description:
        "Names the server may be called by (default: those of this machine at a loopback address, else any)",
    },
    "cors-origin": {
      type: "string",
      valueHint: "LIST",
      description: "Origins of web pages that may use the server",
    },
    "max-body": { type: "string", valueHint: "MB", description: "Largest body of a request (default: 8)" },
    "max-tokens": { type: "string", valueHint: "N", description: "Most tokens of an answer" },
    "max-inputs": {
      type: "string",
      valueHint: "N",
      description: "Most texts of a request for embeddings (default: 2048)",
    },
    timeout: { type: "string", valueHint: "SECONDS", description: "Most time of a request" },
    lazy: { type: "boolean", description: "Load models when they are asked for" },
    "memory-budget": { type: "string", valueHint: "MB", description: "Memory all models may use together" },
    "idle-unload": {
      type: "string",
      valueHint: "SECONDS",
      description: "Unload models that nobody uses for so long",
    },
    threads: { type: "string", valueHint: "N", description: "Threads that compute, of each model" },
    device: ENGINE_ARGS.device,
    context: { type: "string", valueHint: "N", description: "Most tokens of prompt and answer" },
    "max-batch": {
      type: "string",
      valueHint: "N",
      description: "Requests computed at a time, of each model",
    },
    "max-queue": { type: "string", valueHint: "N", description: "Requests that may wait (default: 512)" },
    isolation: {
      type: "string",
      valueHint: "WHERE",
      description:
        "Where models run: none, worker or process, whose crash the server survives (default: none)",
    },
    "drain-timeout": {
      type: "string",
      valueHint: "SECONDS",
      description: "Time that running requests have to end when the server is stopped (default: 30)",
    },
    "log-level": {
      type: "string",
      valueHint: "LEVEL",
      description: `${LOG_LEVELS.join(", ")} (default: info)`,
    },
  },
  async run(args, { output, signal }) {
    const options: ServeOptions = {
      models: models(args.packages, {
        threads: integerFlag("threads", args.threads),
        device: args.device as EngineOptions["device"],
        contextLength: integerFlag("context", args.context, 2),
        maxBatch: integerFlag("max-batch", args["max-batch"]),
        maxQueue: integerFlag("max-queue", args["max-queue"], 0),
        ...(args.isolation === undefined ? {} : { isolation: expectIsolation(args.isolation) }),
      }),
      host: args.host,
      port: integerFlag("port", args.port, 0, 65_535),
      socket: args.socket,
      tls: await tls(args["tls-cert"], args["tls-key"]),
      apiKeys: await apiKeys(args["api-keys"]),
      openProbes: args["open-probes"],
      allowedHosts: list(args["allowed-host"]),
      corsOrigins: list(args["cors-origin"]),
      maxBodyBytes: times(integerFlag("max-body", args["max-body"]), MEGABYTE),
      maxTokens: integerFlag("max-tokens", args["max-tokens"]),
      maxInputs: integerFlag("max-inputs", args["max-inputs"]),
      timeoutMs: times(numberFlag("timeout", args.timeout), 1000),
      lazy: args.lazy,
      memoryBudget: times(integerFlag("memory-budget", args["memory-budget"]), MEGABYTE),
      idleUnloadMs: times(numberFlag("idle-unload", args["idle-unload"]), 1000),
      // The result is one line on standard output; the log is everything else.
      logger: pino({ level: logLevel(args["log-level"]) }, pino.destination(2)),
    };
    const drainMs = (numberFlag("drain-timeout", args["drain-timeout"]) ?? DEFAULT_DRAIN_SECONDS) * 1000;
    const server = await serve(options);
    try {
      await orAborted(server.loaded, signal);
      if (signal.aborted) return;
      output.result(
        { url: server.url, models: server.handler.pool.status().map(({ name }) => name) },
        () => `Listening at ${server.url}`,
      );
      await orAborted(new Promise<never>(() => undefined), signal);
    } finally {
      await end(server, signal.aborted ? drainMs : 0, output);
    }
  },
});

async function end(
  server: RunningServer,
  drainMs: number,
  output: { notice(line: string): void },
): Promise<void> {
  if (drainMs > 0) output.notice("Ending: waiting for running requests (again to end at once)");
  const drained = await server.close(drainMs);
  if (!drained && drainMs > 0) output.notice("Requests that took longer were cut off");
}

/** Resolves with the promise, or when the signal fires. */
function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  return Promise.race([promise, aborted]);
}

function models(packages: string, options: ServedModel["options"]): ServedModel[] {
  return (list(packages) ?? []).map((entry) => {
    const [, name, folder = entry] = /^([\w.:/-]+)=(.+)$/.exec(entry) ?? [];
    return { name, package: folder, options };
  });
}

function list(value: string | undefined): string[] | undefined {
  return value
    ?.split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}

function times(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}

async function tls(cert: string | undefined, key: string | undefined): Promise<ServeOptions["tls"]> {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new MlcError("ERR_INVALID_ARGUMENT", "Expected --tls-cert and --tls-key but received one of them.");
  return { cert: await read(cert), key: await read(key) };
}

async function apiKeys(file: string | undefined): Promise<ServeOptions["apiKeys"]> {
  const { NODE_MLC_API_KEY: own } = process.env;
  if (file === undefined) return own === undefined || own === "" ? undefined : [{ key: own }];
  const text = (await read(file)).toString("utf8");
  try {
    const keys: unknown = JSON.parse(text);
    if (Array.isArray(keys) && keys.length > 0)
      return keys.map((key) => (typeof key === "string" ? { key } : key));
  } catch {
    // As any other file that is no list.
  }
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected a JSON list of keys in ${path.resolve(file)} but received none.`,
  );
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new MlcError("ERR_IO", `Expected the file ${path.resolve(file)} but it cannot be read.`, { cause });
  }
}

function logLevel(value = "info"): string {
  if ((LOG_LEVELS as readonly string[]).includes(value)) return value;
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected one of ${LOG_LEVELS.join(", ")} for --log-level but received "${value}".`,
  );
}
