// The OpenCL device of this machine, where there is one (pocl-opencl-icd gives every machine one), and tensors on it.
import { device, listDevices, type RuntimeDevice, type Tensor } from "../../lib/ffi/index.js";
import { tensorOn } from "./device-tensor.js";

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

/** A float32 vector on it. */
export const onDevice = (values: readonly number[] | Float32Array): Tensor => tensorOn(opencl(), values);
