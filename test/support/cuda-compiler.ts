// NVRTC where this machine has it (`npm run cuda` obtains it), and the code for NVIDIA GPUs in what was compiled.
import { compileCuda, type FfiModule, Tensor } from "../../lib/ffi/index.js";
import { findContainer } from "./cuda-container.js";
import { globalFunction } from "./global-function.js";

/** Whether there is an NVRTC; where not, a notice says why. */
export function hasNvrtc(): boolean {
  try {
    compileCuda("", ["compute_80"]);
    return true;
  } catch (error) {
    console.warn(`no NVRTC, tests skipped: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

/** The programs for GPUs in a library, by architecture. */
export function cudaPrograms(library: FfiModule): Map<string, Buffer> {
  const packed = globalFunction("runtime.ModulePackImportsToTensor").call(library);
  if (!(packed instanceof Tensor)) throw new Error("no packed imports");
  const { buffer, byteOffset, byteLength } = packed.bytes();
  return findContainer(Buffer.from(buffer, byteOffset, byteLength));
}

/** What code says that it is for: machine code in the flags of its ELF header, PTX in its text. */
export function architectureOf(program: Buffer): string {
  if (program.toString("latin1", 1, 4) === "ELF") return `sm_${(program.readUInt32LE(48) >> 8) & 255}`;
  const target = /^\.target sm_(\d+)$/m.exec(program.toString("latin1"))?.[1];
  return `compute_${target}`;
}
