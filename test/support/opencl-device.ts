// The OpenCL device of this machine, where there is one (pocl-opencl-icd gives every machine one), and tensors on it.
import { device, dtype, listDevices, type RuntimeDevice, shape, Tensor } from "../../lib/ffi/index.js";
import { globalFunction } from "./global-function.js";

/** The devices; none, with a notice, where OpenCL or a device is missing. */
export function openclDevices(): RuntimeDevice[] {
  try {
    return listDevices("opencl");
  } catch (error) {
    console.warn(`no OpenCL device, tests skipped: ${error instanceof Error ? error.message : error}`);
    return [];
  }
}

/** The device that the tests use. */
export const opencl = () => device("opencl", 0);

/** Copies between tensors of any devices. */
export function copy(from: Tensor, to: Tensor): void {
  globalFunction("runtime.TVMTensorCopyFromTo").call(from, to);
}

/** A vector on the device. */
export function onDevice(values: readonly number[] | Float32Array): Tensor {
  const tensor = Tensor.empty([values.length], "float32", opencl());
  copy(Tensor.from(Float32Array.from(values), [values.length]), tensor);
  return tensor;
}

/** The elements of a float32 tensor on the device. */
export function fromDevice(tensor: Tensor): Float32Array {
  const host = Tensor.empty(tensor.shape, "float32");
  copy(tensor, host);
  return Float32Array.from(host.view() as Float32Array);
}

/** A part of a float32 vector without a copy: `length` elements from `begin` on. */
export function part(tensor: Tensor, begin: number, length: number): Tensor {
  const view = globalFunction("runtime.TVMTensorCreateView").call(
    tensor,
    shape([length]),
    dtype("float32"),
    4 * begin,
  );
  if (!(view instanceof Tensor)) throw new Error("no view");
  return view;
}
