/** Kernels and compiled functions on an OpenCL device: tensors are made on the CPU and copied there, results are copied back. */
import { buildPrimFuncs } from "../../lib/compiler/codegen/build.js";
import { gpuTarget } from "../../lib/compiler/codegen/gpu-target.js";
import { resolveTarget } from "../../lib/compiler/codegen/target.js";
import { type FfiArgument, type FfiModule, type FfiObject, Tensor } from "../../lib/ffi/index.js";
import type { Placement } from "./decoder-runner.js";
import { floats } from "./kernel-library.js";
import { copy, opencl } from "./opencl-device.js";
import type { ReferenceWeight } from "./reference/rows16.js";

/** What kernels for OpenCL may count on. */
export const openclTraits = () => gpuTarget("opencl");

/** One kernel, compiled for OpenCL. */
export class GpuKernel {
  readonly library: FfiModule;

  constructor(func: FfiObject) {
    this.library = buildPrimFuncs({ kernel: func }, resolveTarget("opencl"));
  }

  /** Calls it with `args` and a float32 output of `shape` filled with NaN, which it returns. */
  run(args: readonly FfiArgument[], shape: readonly number[]): Float32Array {
    const output = Tensor.empty([...shape], "float32");
    floats(output).fill(Number.NaN);
    const there = toDevice(output);
    this.library
      .getFunction("kernel")
      .call(...args.map((arg) => (arg instanceof Tensor ? toDevice(arg) : arg)), there);
    return floats(fromDevice(there));
  }
}

/** A copy on the device; a tensor that is there already. */
export function toDevice(tensor: Tensor): Tensor {
  if (tensor.device.type !== "cpu") return tensor;
  const there = Tensor.empty([...tensor.shape], tensor.dtype, opencl());
  copy(tensor, there);
  return there;
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

/** The pages of a cache on the device: halves as uint16. */
export function pagesOnDevice(pages: Tensor): Tensor {
  if (pages.dtype !== "float16") return toDevice(pages);
  const bytes = pages.bytes();
  const bits = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  return toDevice(Tensor.from(bits, [...pages.shape], "uint16"));
}

/** Compiled functions on the device. */
export const OPENCL: Placement = {
  deviceType: 4,
  parameter: (tensor) => toDevice(tensor.shape.length === 3 ? words(tensor) : tensor),
  pages: pagesOnDevice,
  input: toDevice,
  result: fromDevice,
};
