/** Runtimes of devices other than the CPU: loaded when first asked for. */
import path from "node:path";
import { cacheFolder } from "../cache-folder.js";
import { MlcError } from "../errors.js";
import { native } from "./native.js";
import type { FfiValue } from "./value.js";

/** Kinds of devices that have a runtime. */
export type DeviceRuntime = "opencl" | "vulkan";

/** One device of a runtime. Sizes are in bytes. */
export interface RuntimeDevice {
  /** Position in the runtime's list, as `device(runtime, index)` takes it. */
  readonly index: number;
  readonly kind: "gpu" | "cpu" | "accelerator";
  readonly name: string;
  readonly vendor: string;
  /** The driver's own name, e.g. "NVIDIA CUDA". */
  readonly platform: string;
  /** Version of the driver. */
  readonly driver: string;
  /** Version of the interface, e.g. "OpenCL 3.0". */
  readonly version: string;
  readonly memoryBytes: number;
  /** The largest single allocation. */
  readonly maxAllocationBytes: number;
  /** Shared memory of one block of threads. */
  readonly sharedMemoryBytes: number;
  readonly maxThreadsPerBlock: number;
  readonly computeUnits: number;
  readonly features: DeviceFeatures;
}

/** What kernels may use on a device. */
export interface DeviceFeatures {
  readonly fp16: boolean;
  readonly fp64: boolean;
  readonly subgroups: boolean;
  readonly integerDotProduct: boolean;
  /** The device works in the memory of the processor. */
  readonly unifiedMemory: boolean;
}

/**
 * Loads the runtime of a kind of devices, once for the process: `device(runtime, index)` and compiled libraries with
 * code for it work from then on. Whether there is a device is another question: `listDevices`.
 * @throws MlcError ERR_RUNTIME_MISMATCH where the runtime's library is not beside the addon.
 */
export function loadDeviceRuntime(runtime: DeviceRuntime): void {
  // Only who has loaded it: a later worker thread must not undo what was chosen since.
  if (native.loadDeviceRuntime(runtime)) setProgramCache(runtime);
}

/**
 * Where compiled kernels are kept between processes, for the whole process: a driver takes seconds to compile those of a
 * model. By default in `cacheFolder()`, but not for drivers that keep them themselves (PoCL); a folder is for all
 * drivers, `false` keeps none. A folder that cannot be written or holds damaged files costs time, never the model.
 */
export function setProgramCache(runtime: DeviceRuntime, folder?: string | false): void {
  loadDeviceRuntime(runtime);
  const chosen = folder === false ? "" : path.resolve(folder ?? path.join(cacheFolder(), runtime));
  runtimeFunction(runtime, "set_program_cache")(chosen, folder !== undefined);
}

/** Programs of this process that a driver has compiled, and those that came from the cache. */
export function programCounts(runtime: DeviceRuntime): { readonly built: number; readonly loaded: number } {
  loadDeviceRuntime(runtime);
  return plainValue(runtimeFunction(runtime, "program_counts")()) as { built: number; loaded: number };
}

/**
 * The devices of a runtime, which is loaded if it is not yet; GPUs come first, CPUs last.
 * @throws MlcError ERR_DEVICE_UNAVAILABLE with the remedy where there is no driver or no device; as loadDeviceRuntime.
 */
export function listDevices(runtime: DeviceRuntime): RuntimeDevice[] {
  loadDeviceRuntime(runtime);
  return plainValue(runtimeFunction(runtime, "list_devices")()) as RuntimeDevice[];
}

/** Maps as objects, within arrays and maps; callers name the type, since a library of this package wrote it. */
function plainValue(value: FfiValue): unknown {
  if (Array.isArray(value)) return value.map(plainValue);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([key, entry]) => [key, plainValue(entry)]));
}

function runtimeFunction(runtime: DeviceRuntime, name: string) {
  const found = native.bindGlobalFunction(`node_mlc.${runtime}.${name}`);
  if (found !== undefined) return found;
  throw new MlcError(
    "ERR_RUNTIME_MISMATCH",
    `Expected the runtime of ${runtime} devices to be that of this package but it has no ${name}: another copy of TVM in this process came first.`,
  );
}
