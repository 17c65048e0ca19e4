/** The devices of this machine, and what is missing where there could be more. */
import os from "node:os";
import { MlcError } from "../errors.js";
import type { DeviceRuntime, RuntimeDevice } from "../ffi/index.js";

/** The processor. */
export interface CpuDevice {
  readonly type: "cpu";
  readonly available: true;
  readonly name: string;
  /** Threads the system lets this process use. */
  readonly threads: number;
  /** Bytes of memory in all, and free now. */
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
  /** LLVM's names of the features the processor and the system support. */
  readonly features: readonly string[];
}

/** A device with a driver of its own. */
export interface DriverDevice extends RuntimeDevice {
  /** The interface to its driver. */
  readonly type: DeviceRuntime;
  readonly available: true;
}

/** A kind of devices of which this machine has none. */
export interface MissingDevice {
  readonly type: DeviceRuntime;
  readonly available: false;
  /** What is missing, and what to install. */
  readonly reason: string;
}

const RUNTIMES: readonly DeviceRuntime[] = ["cuda", "opencl", "vulkan"];

/** Runtimes whose drivers take source code: what they make of it is kept. */
const CACHING = ["opencl", "vulkan"] as const;

/** One device, or why there is none of its kind; `type` and `available` tell them apart. */
export type DeviceInfo = CpuDevice | DriverDevice | MissingDevice;

/** The processor. Errors: ERR_NATIVE where the addon does not load. */
export async function cpuDevice(): Promise<CpuDevice> {
  const { cpuFeatures, cpuName } = await import("../ffi/index.js");
  return {
    type: "cpu",
    available: true,
    name: cpuName(),
    threads: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    freeMemoryBytes: os.freemem(),
    features: cpuFeatures(),
  };
}

/**
 * Lists the devices of this machine, the processor first. It loads the drivers of the others into this process.
 * Errors: ERR_NATIVE where the addon does not load.
 */
export async function devices(): Promise<DeviceInfo[]> {
  const others = await Promise.all(RUNTIMES.map(driverDevices));
  return [await cpuDevice(), ...others.flat()];
}

/**
 * Where drivers' compiled kernels are kept, for this process (a host of an isolated engine has the default): a folder, `false`
 * for nowhere, or undefined for the default, `opencl` and `vulkan` in the cache folder (docs/gpu.md).
 * Errors: ERR_NATIVE where the addon does not load, ERR_RUNTIME_MISMATCH where a device's runtime does not.
 */
export async function setDeviceCache(folder?: string | false): Promise<void> {
  const { setProgramCache } = await import("../ffi/index.js");
  for (const runtime of CACHING) setProgramCache(runtime, folder);
}

async function driverDevices(type: DeviceRuntime): Promise<DeviceInfo[]> {
  const { listDevices } = await import("../ffi/index.js");
  try {
    return listDevices(type).map((device) => ({ type, available: true, ...device }));
  } catch (error) {
    if (!(error instanceof MlcError)) throw error;
    return [{ type, available: false, reason: error.message }];
  }
}
