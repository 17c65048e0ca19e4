/** The devices a model can be compiled for and run on here. */
import os from "node:os";

/** One device. */
export interface DeviceInfo {
  readonly type: "cpu";
  readonly name: string;
  /** Threads the system lets this process use. */
  readonly threads: number;
  /** Bytes of memory in all, and free now. */
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
  /** LLVM's names of the features the processor and the system support. */
  readonly features: readonly string[];
}

/** Lists the devices of this machine. Errors: ERR_NATIVE where the addon does not load. */
export async function devices(): Promise<DeviceInfo[]> {
  const { cpuFeatures, cpuName } = await import("../ffi/index.js");
  return [
    {
      type: "cpu",
      name: cpuName(),
      threads: os.availableParallelism(),
      memoryBytes: os.totalmem(),
      freeMemoryBytes: os.freemem(),
      features: cpuFeatures(),
    },
  ];
}
