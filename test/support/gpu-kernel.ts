/** Kernels and compiled functions on the GPUs of this machine: tensors are made on the CPU and copied there, results are copied back. */
import { existsSync } from "node:fs";
import { buildPrimFuncs } from "../../lib/compiler/codegen/build.js";
import { gpuTarget } from "../../lib/compiler/codegen/gpu-target.js";
import { resolveTarget } from "../../lib/compiler/codegen/target.js";
import type { GpuKind, GpuTraits } from "../../lib/compiler/kernels/kernel-target.js";
import {
  compilerLibraryPath,
  type Device,
  device,
  type FfiArgument,
  type FfiModule,
  type FfiObject,
  loadCompilerLibrary,
  loadDeviceRuntime,
  Tensor,
} from "../../lib/ffi/index.js";
import { hasNvrtc } from "./cuda-compiler.js";
import type { Placement } from "./decoder-runner.js";
import { copy } from "./device-tensor.js";
import { canEmulateCuda, EMULATED_TARGET, emulateCuda, loadedLibrary } from "./emulated-cuda.js";
import { floats } from "./kernel-library.js";
import { opencl, openclDevices } from "./opencl-device.js";
import type { ReferenceWeight } from "./reference/rows16.js";
import { canCompileWgsl, vulkan, vulkanDevices } from "./vulkan-device.js";

/** How a kind of GPUs is compiled for and found. */
interface GpuSetup {
  readonly kind: GpuKind;
  /** Compiles for it. */
  readonly target: string;
  /** The device; its runtime is loaded. */
  device(): Device;
  /** Makes what was just built callable. */
  loaded?(library: FfiModule): FfiModule;
}

/** DLPack's numbers; Vulkan's runtime is known as WebGPU's. */
const DEVICE_TYPES: Readonly<Record<GpuKind, number>> = { opencl: 4, vulkan: 15, cuda: 2 };

/** A kind of GPUs to compile for and run on. */
export class TestGpu {
  readonly kind: GpuKind;
  readonly target: string;
  readonly #setup: GpuSetup;

  constructor(setup: GpuSetup) {
    this.kind = setup.kind;
    this.target = setup.target;
    this.#setup = setup;
  }

  /** Loads the runtime of its kind, before code for it is built. */
  prepare(): void {
    this.#setup.device();
  }

  /** What was just built, callable. */
  loaded(library: FfiModule): FfiModule {
    return this.#setup.loaded?.(library) ?? library;
  }

  /** What kernels may count on. */
  get traits(): GpuTraits {
    loadCompilerLibrary();
    return gpuTarget(this.kind);
  }

  /** One kernel, compiled. */
  kernel(func: FfiObject): GpuKernel {
    return new GpuKernel(func, this);
  }

  /** A copy on the device; a tensor that is there already. */
  copyOf(tensor: Tensor): Tensor {
    if (tensor.device.type !== "cpu") return tensor;
    const there = Tensor.empty([...tensor.shape], tensor.dtype, this.#setup.device());
    copy(tensor, there);
    return there;
  }

  /** The pages of a cache on the device: halves as its kernels take them. */
  pages(pages: Tensor): Tensor {
    if (pages.dtype !== "float16" || this.traits.pageHalf === "float16") return this.copyOf(pages);
    const bytes = pages.bytes();
    const bits = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
    return this.copyOf(Tensor.from(bits, [...pages.shape], "uint16"));
  }

  /** Compiled functions on the device. */
  get placement(): Placement {
    return {
      deviceType: DEVICE_TYPES[this.kind],
      parameter: (tensor) => this.copyOf(tensor.shape.length === 3 ? words(tensor) : tensor),
      pages: (tensor) => this.pages(tensor),
      input: (tensor) => this.copyOf(tensor),
      result: fromDevice,
    };
  }
}

/** The kinds that this machine has, software drivers among them; with a notice for each that it has not. */
export function testGpus(): TestGpu[] {
  if (!existsSync(compilerLibraryPath())) return [];
  const found: TestGpu[] = [];
  if (openclDevices().length > 0)
    found.push(new TestGpu({ kind: "opencl", target: "opencl", device: opencl }));
  if (vulkanDevices().length > 0 && canCompileWgsl())
    found.push(new TestGpu({ kind: "vulkan", target: "vulkan", device: vulkan }));
  return found;
}

/** CUDA on this machine's GPU, where it has one with the compiler, or its code on the processor. */
export function testCuda(): TestGpu[] {
  if (!existsSync(compilerLibraryPath())) return [];
  // NVIDIA's driver makes it.
  if (existsSync("/dev/nvidiactl")) return hasNvrtc() ? [new TestGpu(realCuda)] : [];
  return canEmulateCuda() ? [new TestGpu(emulatedCuda)] : [];
}

const realCuda: GpuSetup = {
  kind: "cuda",
  target: "cuda",
  device: () => {
    loadDeviceRuntime("cuda");
    return device("cuda", 0);
  },
  loaded: loadedLibrary,
};

const emulatedCuda: GpuSetup = {
  kind: "cuda",
  target: EMULATED_TARGET,
  device: () => {
    emulateCuda();
    return device("cuda", 0);
  },
  loaded: loadedLibrary,
};

/** One kernel, compiled for a GPU. */
class GpuKernel {
  readonly library: FfiModule;
  readonly #gpu: TestGpu;

  constructor(func: FfiObject, gpu: TestGpu) {
    this.#gpu = gpu;
    gpu.prepare();
    this.library = gpu.loaded(buildPrimFuncs({ kernel: func }, resolveTarget(gpu.target)));
  }

  /** Calls it with `args` and a float32 output of `shape` filled with NaN, which it returns. */
  run(args: readonly FfiArgument[], shape: readonly number[]): Float32Array {
    const output = Tensor.empty([...shape], "float32");
    floats(output).fill(Number.NaN);
    const there = this.#gpu.copyOf(output);
    const placed = args.map((arg) => (arg instanceof Tensor ? this.#gpu.copyOf(arg) : arg));
    this.library.getFunction("kernel").call(...placed, there);
    return floats(fromDevice(there));
  }
}

function fromDevice(tensor: Tensor): Tensor {
  const here = Tensor.empty([...tensor.shape], tensor.dtype);
  copy(tensor, here);
  return here;
}

/** A packed weight as the int32 words that kernels for GPUs take. */
export function packedWords(weight: ReferenceWeight): Tensor {
  return words(Tensor.from(weight.packed, weight.packedShape, weight.packedDtype));
}

/** A packed tensor as int32 words [row blocks, blocks, words]. */
export function words(tensor: Tensor): Tensor {
  const bytes = tensor.bytes();
  const [rowBlocks = 0, blocks = 0] = tensor.shape;
  const shape = [rowBlocks, blocks, bytes.length / 4 / rowBlocks / blocks];
  return Tensor.from(new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4), shape, "int32");
}
