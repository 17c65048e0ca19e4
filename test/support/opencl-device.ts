// Whether this machine has an OpenCL device: pocl-opencl-icd gives it one.
import { listDevices, type RuntimeDevice } from "../../lib/ffi/index.js";

/** The devices; none, with a notice, where OpenCL or a device is missing. */
export function openclDevices(): RuntimeDevice[] {
  try {
    return listDevices("opencl");
  } catch (error) {
    console.warn(`no OpenCL device, tests skipped: ${error instanceof Error ? error.message : error}`);
    return [];
  }
}
