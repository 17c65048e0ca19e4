/** Options of an engine, checked, and what the native engine is told for a package. */
import os from "node:os";
import { MlcError } from "../errors.js";
import type { RuntimeDevice } from "../ffi/device-runtime.js";
import type { NativeEngineConfig } from "../ffi/native-engine.js";
import type { Manifest, ManifestLibrary } from "../package/manifest.js";
import type { MemoryPlan } from "../package/memory-plan.js";
import { modelKind } from "../package/model-kind.js";
import type { ModelPackage } from "../package/model-package.js";
import { DEFAULT_MAX_QUEUE } from "./admission.js";
import {
  type DeviceOption,
  type DeviceRequest,
  deviceBudget,
  type EngineDevice,
  expectDevice,
} from "./device-choice.js";
import { expectBoolean, expectInteger, expectKnownNames, expectText, unexpected } from "./expectation.js";
import {
  type CrashListener,
  expectCrashListener,
  expectIsolation,
  type Isolation,
} from "./isolation-choice.js";
import { expectRegistry, type LogitProcessorRegistry } from "./logit-processor.js";
import { expectTracer, type SpanTracer } from "./request-span.js";
import { resolveSpeculation, type SpeculationConfig, type SpeculationOptions } from "./speculation.js";

/** A step of loading: `done` of `total` in the phase's own unit (bytes for "weights"). */
export interface LoadProgress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

/** web-llm's form of the same news. */
export interface InitProgressReport {
  /** 0 to 1. */
  readonly progress: number;
  /** Seconds since the start. */
  readonly timeElapsed: number;
  readonly text: string;
}

/** Options of `Engine.load`. */
export interface EngineOptions {
  /** Ends the loading with ERR_ABORTED; nothing stays loaded. */
  signal?: AbortSignal | undefined;
  /** Called while the model is loaded. */
  onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** As `onProgress`, in web-llm's form. */
  initProgressCallback?: ((report: InitProgressReport) => void) | undefined;
  /** Threads that compute; default: one for each physical core this process may use, less where its CPU quota is. */
  threads?: number | undefined;
  /** Sequences the KV cache has room for at full context; more requests wait. Default: the package's limit, less where
   * the memory is too small. */
  maxBatch?: number | undefined;
  /** Most tokens of one request, prompt and answer; default: the package's limit. */
  contextLength?: number | undefined;
  /**
   * Most tokens of prompts in a step that also generates: fewer keep the time between two tokens of an answer short while
   * prompts are read, more read them sooner. Default 128.
   */
  mixedPrefill?: number | undefined;
  /** Bytes the model may use, or a share of this machine's memory ("50%"); default: all the memory there is. */
  memoryBudget?: number | `${number}%` | undefined;
  /**
   * Where the model runs: "cpu", "opencl", "opencl:1", or "auto", the default: the first GPU that the package has code for and that has
   * the memory, else the CPU (docs/gpu.md).
   */
  device?: DeviceOption | undefined;
  /** Name of the package's library to run ("x86-64-v3"); default: the best one for this CPU. For comparing levels. */
  library?: string | undefined;
  /** Verify the digests of the weights too (reads all of them). Default false: sizes and the code's digests only. */
  verify?: boolean | undefined;
  /** Keep the keys and values of prompts and answers for requests that begin alike: up to this many bytes beside what requests
   * use; false: none. Default: a quarter of the weights' bytes, at least 64 MiB. */
  prefixCache?: boolean | number | undefined;
  /** Draft tokens ahead and check several in one step: from the text itself (true) or by a smaller model. The answers stay the
   * same. Default false. */
  speculation?: boolean | SpeculationOptions | undefined;
  /** Logit processors by name; see Engine.setLogitProcessorRegistry(). */
  logitProcessorRegistry?: LogitProcessorRegistry | undefined;
  /** An OpenTelemetry tracer: each request is a span of it. Default: none, and nothing is spent on spans. */
  tracer?: SpanTracer | undefined;
  /** Requests that may wait behind a full batch; more are refused with ERR_ENGINE_OVERLOADED. Default 512. */
  maxQueue?: number | undefined;
  /** Pin the weights in memory, so that they are never read from disk again. Default false. */
  lockMemory?: boolean | undefined;
  /**
   * Where the native engine lives: in this thread's process ("none"), in a worker thread, whose event loop is its own, or in a child
   * process, whose crash does not end this one (docs/isolation.md). Default "none".
   */
  isolation?: Isolation | undefined;
  /** Called when the worker thread or process of an isolated engine has ended by itself; its requests have failed before. */
  onCrash?: CrashListener | undefined;
}

const OPTION_NAMES = [
  "signal",
  "onProgress",
  "initProgressCallback",
  "threads",
  "maxBatch",
  "contextLength",
  "mixedPrefill",
  "memoryBudget",
  "device",
  "library",
  "verify",
  "prefixCache",
  "speculation",
  "maxQueue",
  "lockMemory",
  "logitProcessorRegistry",
  "tracer",
  "isolation",
  "onCrash",
] as const satisfies readonly (keyof EngineOptions)[];

/** A few decode steps' time for most models, and nearly a large chunk's speed. */
const MIXED_PREFILL = 128;

/** Checked options. */
export interface EngineConfig {
  /** Absent: as many as the native engine finds cores. */
  readonly threads: number | undefined;
  readonly maxBatch: number | undefined;
  readonly contextLength: number | undefined;
  readonly mixedPrefill: number;
  /** Bytes of this machine's memory. */
  readonly memoryBudget: number;
  readonly device: DeviceRequest;
  /** Absent: the best for this CPU. */
  readonly library: string | undefined;
  readonly verify: boolean;
  /** Bytes kept of prefixes that no request uses; undefined: none, and nothing is shared. */
  readonly prefixCache: number | "default" | undefined;
  /** Absent: none. */
  readonly speculation: SpeculationConfig | undefined;
  readonly maxQueue: number;
  readonly lockMemory: boolean;
  readonly isolation: Isolation;
}

/** Checks options and fills in what does not depend on the package. Errors: ERR_INVALID_ARGUMENT naming the option. */
export function resolveEngineConfig(
  options: EngineOptions,
  memoryBytes: number = systemMemory(),
): EngineConfig {
  expectKnownNames("the engine's options", options, OPTION_NAMES);
  expectRegistry(options.logitProcessorRegistry);
  expectTracer(options.tracer);
  expectCrashListener(options.onCrash);
  const { threads, maxBatch, contextLength, library } = options;
  return {
    threads: threads === undefined ? undefined : expectInteger("threads", threads, 1, 1024),
    maxBatch: maxBatch === undefined ? undefined : expectInteger("maxBatch", maxBatch, 1, 65536),
    contextLength:
      contextLength === undefined
        ? undefined
        : expectInteger("contextLength", contextLength, 2, Number.MAX_SAFE_INTEGER),
    mixedPrefill: expectInteger("mixedPrefill", options.mixedPrefill ?? MIXED_PREFILL, 1, 1 << 20),
    memoryBudget: memoryBudget(options.memoryBudget, memoryBytes),
    device: expectDevice(options.device),
    library: library === undefined ? undefined : expectText("library", library),
    verify: expectBoolean("verify", options.verify ?? false),
    prefixCache: prefixCache(options.prefixCache ?? true),
    speculation: resolveSpeculation(options.speculation),
    maxQueue: expectInteger("maxQueue", options.maxQueue ?? DEFAULT_MAX_QUEUE, 0, Number.MAX_SAFE_INTEGER),
    lockMemory: expectBoolean("lockMemory", options.lockMemory ?? false),
    isolation: expectIsolation(options.isolation ?? "none"),
  };
}

/**
 * The memory plan to load a package with: the caller's batch and context, or the package's limits, of which the batch is
 * lowered until the plan fits the budget.
 * @param taken bytes of the budget that something else needs.
 * @param driver the device other than the processor: its memory, and the cache in one allocation, which may shorten the context too.
 * Errors: ERR_INSUFFICIENT_MEMORY with the numbers, ERR_INVALID_ARGUMENT.
 */
export function planLoad(
  modelPackage: Pick<ModelPackage, "manifest" | "plan">,
  config: EngineConfig,
  taken = 0,
  driver?: RuntimeDevice,
): MemoryPlan {
  const { limits, kvCache } = modelPackage.manifest;
  // The cache of one sequence is one allocation.
  const mostPages = Math.floor((driver?.maxAllocationBytes ?? Number.POSITIVE_INFINITY) / kvCache.pageBytes);
  const context = config.contextLength ?? Math.min(limits.contextLength, mostPages * limits.pageSize);
  const whole =
    driver === undefined ? config.memoryBudget : Math.min(config.memoryBudget, deviceBudget(driver));
  const budget = whole - taken;
  if (config.maxBatch !== undefined) return modelPackage.plan({ batch: config.maxBatch, context, budget });
  let batch = limits.maxBatch;
  const fits = ({ total, kv }: MemoryPlan): boolean =>
    total <= budget && kv <= (driver?.maxAllocationBytes ?? Number.POSITIVE_INFINITY);
  while (batch > 1 && !fits(modelPackage.plan({ batch, context }))) batch = Math.floor(batch / 2);
  return modelPackage.plan({ batch, context, budget });
}

/** What the native engine is loaded with. */
export function nativeConfig(
  modelPackage: Pick<ModelPackage, "manifest" | "file">,
  library: ManifestLibrary,
  plan: MemoryPlan,
  config: EngineConfig,
  { type, index }: Pick<EngineDevice, "type" | "index"> = { type: "cpu", index: 0 },
): NativeEngineConfig {
  const { model, limits, kvCache, weights, ranking } = modelPackage.manifest;
  return {
    library: modelPackage.file(library.file),
    ...(type === "cpu" ? {} : { device: { type, index } }),
    shards: weights.shards.map(({ file, bytes }) => ({ path: modelPackage.file(file), bytes })),
    params: weights.params.map(({ name, dtype, packedShape, shard, offset, bytes }) => ({
      name,
      dtype,
      shape: packedShape,
      shard,
      offset,
      bytes,
    })),
    // The ids of a pair say their kind too.
    vocabSize: model.vocabSize * (ranking?.tokenTypes ?? 1),
    layers: model.layers,
    kvHeads: model.keyValueHeads,
    headDim: model.headDim,
    kvDtype: kvCache.dtype,
    pageSize: limits.pageSize,
    pages: plan.pages,
    contextLength: plan.context,
    maxBatch: plan.batch,
    prefillChunk: limits.prefillChunk,
    encoder: modelKind(modelPackage.manifest) !== "decoder",
    ...(ranking === undefined ? {} : { labels: ranking.labels }),
    mixedPrefill: config.mixedPrefill,
    threads: config.threads,
    prefixCache: config.prefixCache !== undefined,
    cachedPages: cachedPages(modelPackage.manifest, config.prefixCache),
    lockMemory: config.lockMemory,
  };
}

function prefixCache(value: unknown): EngineConfig["prefixCache"] {
  if (typeof value === "number") return expectInteger("prefixCache", value, 0, Number.MAX_SAFE_INTEGER);
  if (typeof value !== "boolean") throw unexpected("prefixCache", "true, false or bytes", value);
  return value ? "default" : undefined;
}

/** Enough for some long conversations of a small model, and little beside the weights of a large one. */
const LEAST_CACHE_BYTES = 64 * 2 ** 20;

function cachedPages({ kvCache, memory }: Manifest, bytes: EngineConfig["prefixCache"] = 0): number {
  const most = bytes === "default" ? Math.max(LEAST_CACHE_BYTES, memory.weights / 4) : bytes;
  // More than the native engine counts is all there are.
  return Math.min(Math.floor(most / kvCache.pageBytes), 2 ** 30);
}

function memoryBudget(value: unknown, memoryBytes: number): number {
  if (value === undefined) return memoryBytes;
  if (typeof value === "number") return expectInteger("memoryBudget", value, 1, Number.MAX_SAFE_INTEGER);
  const share = typeof value === "string" ? /^(\d+(?:\.\d+)?)%$/.exec(value)?.[1] : undefined;
  if (share === undefined || Number(share) <= 0 || Number(share) > 100) {
    throw unexpected("memoryBudget", 'bytes or a share of the memory such as "50%"', value);
  }
  return Math.floor((memoryBytes * Number(share)) / 100);
}

/** Memory this process may have: the machine's, or its container's limit. */
function systemMemory(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  return limit > 0 && limit < os.totalmem() ? limit : os.totalmem();
}

/** Throws ERR_ABORTED where the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new MlcError("ERR_ABORTED", `${what} was aborted.`, { cause: signal.reason });
}
