// The Vulkan device of this machine, where there is one (mesa-vulkan-drivers gives every machine one), and the compiler for it.
import {
  listDevices,
  missingCodeGenerator,
  type RuntimeDevice,
  runtimeDevice,
  type Tensor,
} from "../../lib/ffi/index.js";
import { tensorOn } from "./device-tensor.js";

/** What the tests' kernels are compiled for. */
export const VULKAN_TARGET = { kind: "webgpu", max_num_threads: 256 };

/** The devices; none, with a notice, where Vulkan or a device is missing. */
export function vulkanDevices(): RuntimeDevice[] {
  try {
    return listDevices("vulkan");
  } catch (error) {
    console.warn(`no Vulkan device, tests skipped: ${error instanceof Error ? error.message : error}`);
    return [];
  }
}

/** Whether WGSL can be compiled; with a notice where it cannot. */
export function canCompileWgsl(): boolean {
  const missing = missingCodeGenerator("vulkan");
  if (missing !== undefined) console.warn(`no compiler of WGSL, tests skipped: ${missing}`);
  return missing === undefined;
}

/** The device that the tests use. */
export const vulkan = () => runtimeDevice("vulkan", 0);

/** A float32 vector on it. */
export const onVulkan = (values: readonly number[] | Float32Array): Tensor => tensorOn(vulkan(), values);
