// Targets that are GPUs: device code by one of TVM's source generators, host code for any processor of the triple.
import { call, type FfiObject } from "../../ffi/index.js";
import type { GpuKind, GpuTraits } from "../kernels/kernel-target.js";
import { parseArchitectures } from "./cuda-architectures.js";

/** A GPU with TVM's node for it. */
export interface GpuTarget extends GpuTraits {
  /** TVM's Target node. */
  readonly node: FfiObject;
  /** Of CUDA: what the kernels are compiled for, by NVRTC's names ("sm_90", "compute_80"). */
  readonly architectures: readonly string[];
}

/**
 * What every device of a kind has: for OpenCL and Vulkan what desktop GPUs of the last ten years exceed; for CUDA the limits of compute
 * capability 7.5 that need no asking for more. WGSL, through which Vulkan is compiled, has no integers of 16 or 64 bits.
 */
const TRAITS: Readonly<Record<GpuKind, GpuTraits>> = {
  opencl: {
    kind: "opencl",
    maxThreads: 256,
    sharedBytes: 32 * 1024,
    half: false,
    pageIndex: "int64",
    pageHalf: "uint16",
  },
  vulkan: {
    kind: "vulkan",
    maxThreads: 256,
    sharedBytes: 32 * 1024,
    half: false,
    pageIndex: "int32",
    pageHalf: "float16",
  },
  cuda: {
    kind: "cuda",
    maxThreads: 1024,
    sharedBytes: 48 * 1024,
    half: true,
    pageIndex: "int64",
    pageHalf: "uint16",
  },
};

/** TVM's options of a kind, beside the limits. */
const OPTIONS: Readonly<Record<GpuKind, Readonly<Record<string, string | number>>>> = {
  opencl: { thread_warp_size: 1 },
  vulkan: {},
  cuda: { arch: "sm_80" },
};

/**
 * The target of a kind.
 * @param architectures of CUDA, as `parseArchitectures` gives them.
 */
export function gpuTarget(gpu: GpuKind, architectures = defaultArchitectures(gpu)): GpuTarget {
  const traits = TRAITS[gpu];
  const kind = gpu === "vulkan" ? "webgpu" : gpu;
  const { maxThreads, sharedBytes } = traits;
  const limits = { max_num_threads: maxThreads, max_shared_memory_per_block: sharedBytes };
  return {
    ...traits,
    architectures,
    node: call("target.Target", { kind, ...limits, ...OPTIONS[gpu] }) as FfiObject,
  };
}

function defaultArchitectures(kind: GpuKind): readonly string[] {
  return kind === "cuda" ? parseArchitectures(undefined) : [];
}
