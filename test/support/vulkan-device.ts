// The Vulkan device of this machine, where there is one (mesa-vulkan-drivers gives every machine one), and the compiler for it.
import { existsSync } from "node:fs";
import path from "node:path";
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

/** The environment in which Khronos' validation layer watches a process, the order of its commands included. */
export const VALIDATION = {
  VK_INSTANCE_LAYERS: "VK_LAYER_KHRONOS_validation",
  VK_LAYER_ENABLES: "VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT",
} as const;

/** Whether the layer is installed (Debian: vulkan-validationlayers); with a notice where it is not. */
export function hasValidationLayer(): boolean {
  const folders = ["/usr/share/vulkan", "/usr/local/share/vulkan", "/etc/vulkan"];
  const installed = folders.some((folder) =>
    existsSync(path.join(folder, "explicit_layer.d", "VkLayer_khronos_validation.json")),
  );
  if (!installed) console.warn("no validation layer (vulkan-validationlayers), tests skipped");
  return installed;
}
