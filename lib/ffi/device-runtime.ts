/** Runtimes of devices other than the CPU: loaded when first asked for. */
import path from "node:path";
import { cacheFolder } from "../cache-folder.js";
import { MlcError } from "../errors.js";
import { cudartFiles, nvrtcFiles } from "./cuda-libraries.js";
import { native } from "./native.js";
import type { FfiValue } from "./value.js";

/** Kinds of devices that have a runtime. */
export type DeviceRuntime = "opencl" | "cuda";

/** Those whose drivers take source code: what they make of it is kept. */
export type CachingRuntime = "opencl";

/** One device of a runtime. Sizes are in bytes. */
export interface RuntimeDevice {
  /** Position in the runtime's list, as `device(runtime, index)` takes it. */
  readonly index: number;
  readonly kind: "gpu" | "cpu" | "accelerator";
  readonly name: string;
  readonly vendor: string;
  /** The driver's own name, e.g. "NVIDIA CUDA". */
  readonly platform: string;
  /** Version of the driver; of a CUDA device that of the CUDA it is for. */
  readonly driver: string;
  /** Version of the interface, e.g. "OpenCL 3.0"; of a CUDA device "compute capability 9.0". */
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
 * code for it work from then on. That of OpenCL loads everywhere, and whether there is a device is another question
 * (`listDevices`); that of CUDA only where there is one.
 * @throws MlcError ERR_RUNTIME_MISMATCH where the runtime's library is not beside the addon; ERR_DEVICE_UNAVAILABLE with the remedy
 *   where CUDA has no driver, an old one, no GPU or no libcudart.
 */
export function loadDeviceRuntime(runtime: DeviceRuntime): void {
  // Only who has loaded it: a later worker thread must not undo what was chosen since.
  const isFirst = native.loadDeviceRuntime(runtime);
  if (runtime === "cuda") runtimeFunction(runtime, "load_runtime")(cudartFiles());
  else if (isFirst) setProgramCache(runtime);
}

/**
 * Compiles CUDA C++ with NVRTC: needs no GPU.
 * @param architectures each "sm_NN" (machine code) or "compute_NN" (PTX).
 * @returns a container (cpp/device/cuda/code_container.h), of which the runtime takes what fits the GPU.
 * @throws MlcError ERR_COMPILER_NOT_FOUND with the remedy where there is no NVRTC, ERR_INVALID_ARGUMENT for an architecture that it
 *   does not know, ERR_COMPILE with its log for source that it refuses.
 */
export function compileCuda(source: string, architectures: readonly string[]): Uint8Array {
  native.loadDeviceRuntime("cuda");
  const container = runtimeFunction("cuda", "compile")(source, [...architectures], nvrtcFiles());
  if (container instanceof Uint8Array) return container;
  throw new MlcError("ERR_NATIVE", `Expected bytes of the CUDA compiler but received ${typeof container}.`);
}

/**
 * Where compiled kernels are kept between processes, for the whole process: a driver takes seconds to compile those of a
 * model. By default in `cacheFolder()`, but not for drivers that keep them themselves (PoCL); a folder is for all
 * drivers, `false` keeps none. A folder that cannot be written or holds damaged files costs time, never the model.
 */
export function setProgramCache(runtime: CachingRuntime, folder?: string | false): void {
  loadDeviceRuntime(runtime);
  const chosen = folder === false ? "" : path.resolve(folder ?? path.join(cacheFolder(), runtime));
  runtimeFunction(runtime, "set_program_cache")(chosen, folder !== undefined);
}

/** Programs of this process that a driver has compiled, and those that came from the cache. */
export function programCounts(runtime: CachingRuntime): { readonly built: number; readonly loaded: number } {
  loadDeviceRuntime(runtime);
  return plainValue(runtimeFunction(runtime, "program_counts")()) as { built: number; loaded: number };
}

/**
 * The devices of a runtime; GPUs come first, CPUs last.
 * @throws MlcError ERR_DEVICE_UNAVAILABLE with the remedy where there is no driver or no device; as loadDeviceRuntime.
 */
export function listDevices(runtime: DeviceRuntime): RuntimeDevice[] {
  if (runtime !== "cuda") loadDeviceRuntime(runtime);
  // TVM's own part of the runtime is not needed for a list.
  else native.loadDeviceRuntime(runtime);
  const args = runtime === "cuda" ? [cudartFiles()] : [];
  return plainValue(runtimeFunction(runtime, "list_devices")(...args)) as RuntimeDevice[];
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
