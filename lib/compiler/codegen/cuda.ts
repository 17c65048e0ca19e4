// CUDA C++ from TVM's generator, compiled by NVRTC while TVM makes the device module.
import { MlcError } from "../../errors.js";
import {
  call,
  compileCuda,
  type FfiModule,
  type FfiObject,
  type FfiValue,
  registerGlobalFunction,
} from "../../ffi/index.js";
import { cudaHeader } from "./cuda-header.js";

/**
 * Generates the device module of lowered kernels: its code is a container of one program for each architecture.
 * @throws MlcError as `compileCuda`; ERR_COMPILE for kernels that need more than our header has.
 */
export function buildCuda(
  programs: FfiObject,
  target: FfiObject,
  architectures: readonly string[],
): FfiModule {
  registerGenerator();
  // The last step of TVM's generator. Registered anew because the architectures are this target's.
  registerGlobalFunction(
    "tvm_callback_cuda_postproc",
    (source) => compileCuda(text(source), architectures),
    true,
  );
  return call("target.build.cuda", programs, target);
}

/** What TVM's generator asks its host language for: how to write intrinsics (ours need no help), and the head of the source. */
function registerGenerator(): void {
  registerGlobalFunction("tirx.intrinsics.cuda.get_codegen", () => null, true);
  registerGlobalFunction("tirx.intrinsics.cuda.header_generator", (tags) => cudaHeader(texts(tags)), true);
}

function texts(value: FfiValue): string[] {
  return Array.isArray(value) ? value.map(text) : [];
}

function text(value: FfiValue | undefined): string {
  if (typeof value === "string") return value;
  throw new MlcError(
    "ERR_COMPILE",
    `Expected text from TVM's generator of CUDA but received ${typeof value}.`,
  );
}
