// Tensor programs to machine code. The result is runnable in this process (LLVM's JIT) and can be written as an object file.
import { MlcError } from "../../errors.js";
import {
  call,
  type FfiModule,
  type FfiObject,
  loadDeviceRuntime,
  missingCodeGenerator,
} from "../../ffi/index.js";
import { withAttribute } from "../ir/attributes.js";
import { irModule } from "../ir/ir-module.js";
import type { PhaseDump } from "../passes/phase-dump.js";
import { lowerGpuPrograms, lowerTensorPrograms } from "../passes/tir-pipeline.js";
import { buildCuda, requireCudaCompiler } from "./cuda.js";
import type { GpuTarget } from "./gpu-target.js";
import type { Target } from "./target.js";

/** A TIR function node (type key `tirx.PrimFunc`). */
export type PrimFunc = FfiObject;

/**
 * Compiles tensor programs with LLVM.
 * @param functions by the name they are to have in the result: `module.getFunction(name).call(...tensors)`.
 */
export function buildPrimFuncs(functions: Readonly<Record<string, PrimFunc>>, target: Target): FfiModule {
  const named = Object.entries(functions).map(
    ([name, func]) => [name, withAttribute(func, "global_symbol", name)] as const,
  );
  return generateCode(irModule(new Map(named)), target);
}

/**
 * Compiles a module that holds only tensor programs with global symbols.
 * @param dump receives the lowered module as the phase "tensor-programs".
 */
export function generateCode(module: FfiObject, target: Target, dump?: PhaseDump): FfiModule {
  if (target.gpu !== undefined) return generateGpuCode(module, target, target.gpu, dump);
  const lowered = lowerTensorPrograms(module, target.node);
  dump?.("tensor-programs", lowered);
  return call("target.build.llvm", lowered, target.node);
}

/** Host code that imports the device's. */
function generateGpuCode(module: FfiObject, target: Target, gpu: GpuTarget, dump?: PhaseDump): FfiModule {
  const { host, device } = lowerGpuPrograms(module, gpu.node, target.node);
  dump?.("tensor-programs", host);
  dump?.("device-programs", device);
  const code: FfiModule = call("target.build.llvm", host, target.node);
  call("ffi.ModuleImportModule", code, generateDeviceCode(device, gpu));
  return code;
}

function generateDeviceCode(programs: FfiObject, gpu: GpuTarget): FfiModule {
  switch (gpu.kind) {
    case "cuda":
      return buildCuda(programs, gpu.node, gpu.architectures);
    case "opencl":
      return call("target.build.opencl", programs, gpu.node);
    case "vulkan":
      // Its library turns the generator's WGSL into SPIR-V; without it each user's machine would have to.
      loadDeviceRuntime("vulkan");
      return call("target.build.webgpu", programs, gpu.node);
  }
}

/**
 * Asks whether code for a GPU can be made here, before anything long is done.
 * @throws MlcError ERR_COMPILER_NOT_FOUND with the remedy, ERR_INVALID_ARGUMENT for an architecture that the compiler does not know.
 */
export function requireGenerator(gpu: GpuTarget): void {
  if (gpu.kind === "cuda") requireCudaCompiler(gpu.architectures);
  const missing = gpu.kind === "vulkan" ? missingCodeGenerator("vulkan") : undefined;
  if (missing !== undefined)
    throw new MlcError(
      "ERR_COMPILER_NOT_FOUND",
      `Expected the compiler from WGSL to SPIR-V to compile for Vulkan but ${missing}: install Rust's cargo and run "npm run build:native" in a checkout.`,
    );
}
