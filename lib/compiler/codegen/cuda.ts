// CUDA C++ from TVM's generator, compiled by NVRTC while TVM makes the device module.
import { MlcError } from "../../errors.js";
import {
  call,
  compileCuda,
  type FfiModule,
  type FfiObject,
  type FfiValue,
  getGlobalFunction,
  registerGlobalFunction,
} from "../../ffi/index.js";
import { cudaHeader } from "./cuda-header.js";

/**
 * Asks whether NVRTC can be had and knows the architectures, before anything long is done.
 * @throws MlcError ERR_COMPILER_NOT_FOUND, ERR_INVALID_ARGUMENT
 */
export function requireCudaCompiler(architectures: readonly string[]): void {
  compileCuda("", architectures);
}

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
  return withoutCreator(() => call("target.build.cuda", programs, target));
}

const CREATOR = "ffi.Module.create.cuda";

/**
 * TVM's runtime for CUDA, where it is loaded, would make the module ready to run: only the code for this machine's GPU would be left of
 * the container. Without it the module keeps the container, for whatever GPU loads it.
 */
function withoutCreator<T>(build: () => T): T {
  const creator = getGlobalFunction(CREATOR);
  if (creator === undefined) return build();
  call("ffi.FunctionRemoveGlobal", CREATOR);
  try {
    return build();
  } finally {
    registerGlobalFunction(CREATOR, creator, true);
  }
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
