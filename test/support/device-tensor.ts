// Tensors on devices: made, copied, cut.
import { type Device, dtype, shape, Tensor } from "../../lib/ffi/index.js";
import { globalFunction } from "./global-function.js";

/** Copies between tensors of any devices. */
export function copy(from: Tensor, to: Tensor): void {
  globalFunction("runtime.TVMTensorCopyFromTo").call(from, to);
}

/** A float32 vector on a device. */
export function tensorOn(device: Device, values: readonly number[] | Float32Array): Tensor {
  const tensor = Tensor.empty([values.length], "float32", device);
  copy(Tensor.from(Float32Array.from(values), [values.length]), tensor);
  return tensor;
}

/** The elements of a float32 tensor on a device. */
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
