// Tensor programs to machine code. The result is runnable in this process (LLVM's JIT) and can be written as an object file.
import { call, type FfiModule, type FfiObject } from "../../ffi/index.js";
import { withAttribute } from "../ir/attributes.js";
import { irModule } from "../ir/ir-module.js";
import type { PhaseDump } from "../passes/phase-dump.js";
import { lowerTensorPrograms } from "../passes/tir-pipeline.js";
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
  const lowered = lowerTensorPrograms(module, target.node);
  dump?.("tensor-programs", lowered);
  return call("target.build.llvm", lowered, target.node);
}
