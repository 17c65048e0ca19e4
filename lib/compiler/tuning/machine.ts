/** The machine that times are of: what must be equal for them to hold again. */
import { call, cpuFeatures, cpuName } from "../../ffi/index.js";
import { TVM_VERSIONS } from "../../package/tvm-versions.js";
import { generatorName } from "../../package-root.js";
import type { Target } from "../codegen/target.js";

export interface Machine {
  /** The processor's own name. */
  readonly cpu: string;
  /** LLVM names of the instruction sets that the code may use, sorted. */
  readonly features: readonly string[];
  /** Threads of the kernels. */
  readonly threads: number;
  /** Version of this compiler and of TVM. */
  readonly compiler: string;
}

/** This machine, as code for a target uses it. */
export function thisMachine(target: Target, threads: number): Machine {
  return {
    cpu: cpuName(),
    features: [...target.features].sort(),
    threads,
    compiler: `${generatorName()}, TVM ${TVM_VERSIONS.runtime}`,
  };
}

/** Whether a target is the very machine this runs on: times of its code hold for where it will run. */
export function isThisMachine({ isHost, cpu, features }: Target): boolean {
  const available = new Set(cpuFeatures());
  return (
    isHost &&
    cpu === call("target.llvm_get_system_cpu") &&
    [...features].every((feature) => available.has(feature))
  );
}
