// Lowered module to VM executable: bytecode for the Relax functions, machine code for the tensor programs.
import { call, type FfiModule, type FfiObject } from "../../ffi/index.js";
import { functionsOf, irModule, isPrimFunc } from "../ir/ir-module.js";
import type { PhaseDump } from "../passes/phase-dump.js";
import { generateCode } from "./build.js";
import type { Target } from "./target.js";

/**
 * Generates a VM executable.
 * @param dump receives the tensor programs as they go to LLVM.
 * @returns a module that runs in this process (`getFunction("vm_load_executable")`) and that the linker can export.
 */
export function buildExecutable(lowered: FfiObject, target: Target, dump?: PhaseDump): FfiModule {
  const builder = call("relax.ExecBuilderCreate");
  const rest = call("relax.VMCodeGen", builder, lowered);
  const primFuncs = new Map([...functionsOf(rest)].filter(([, func]) => isPrimFunc(func)));
  const kernels = primFuncs.size === 0 ? null : generateCode(irModule(primFuncs), target, dump);
  return call("relax.VMLink", builder, target.node, kernels, [], {});
}
