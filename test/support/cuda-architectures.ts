// A program: compiles a kernel before and after TVM's runtime for CUDA is loaded, and prints what the library has code for.
import { buildPrimFuncs } from "../../lib/compiler/codegen/build.js";
import { gpuTarget } from "../../lib/compiler/codegen/gpu-target.js";
import { resolveTarget } from "../../lib/compiler/codegen/target.js";
import { gatherRows } from "../../lib/compiler/kernels/gpu/index.js";
import { loadCompilerLibrary, loadDeviceRuntime } from "../../lib/ffi/index.js";
import { cudaPrograms } from "./cuda-compiler.js";

function architectures(): string {
  const kernel = gatherRows({ columns: 40 }, gpuTarget("cuda"));
  return [...cudaPrograms(buildPrimFuncs({ kernel }, resolveTarget("cuda"))).keys()].join(" ");
}

loadCompilerLibrary();
console.log(`before ${architectures()}`);
loadDeviceRuntime("cuda");
console.log(`after ${architectures()}`);
