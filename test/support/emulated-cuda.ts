// CUDA on the processor (test/cpp/fake_cuda): a compiler that makes libraries for it of CUDA C++, and a driver that runs them, each block's
// threads in turns. The numbers are those of a GPU but for the rounding of products; the speed is not. For a whole process: Linux only.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { call, FfiModule, loadDeviceRuntime, Tensor } from "../../lib/ffi/index.js";
import { native } from "../../lib/ffi/native.js";
import { FAKE_CUDA, fakeCuda } from "./fake-cuda.js";
import { globalFunction } from "./global-function.js";

/** Whether this machine can emulate, with a notice where it cannot. */
export function canEmulateCuda(): boolean {
  const possible = process.platform === "linux" && existsSync(path.join(FAKE_CUDA, "compiler"));
  if (!possible) console.warn("CUDA is emulated on Linux only, tests skipped");
  return possible;
}

let prepared = false;

/** Gives this process the compiler and the driver, before anything of CUDA is used. */
export function emulateCuda(): void {
  if (prepared) return;
  prepared = true;
  const folder = mkdtempSync(path.join(tmpdir(), "node-mlc-cuda-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const { LD_LIBRARY_PATH, ...environment } = fakeCuda();
  Object.assign(process.env, environment, {
    CUDA_HOME: path.join(FAKE_CUDA, "compiler"),
    CUDA_PATH: FAKE_CUDA,
    FAKE_CUDA_FOLDER: folder,
  });
  // The system's loader takes it for the driver from then on.
  native.loadLibrary(path.join(LD_LIBRARY_PATH ?? "", "libcuda.so.1"));
  loadDeviceRuntime("cuda");
}

/** The target of emulated kernels: the compiler is asked once. */
export const EMULATED_TARGET = "cuda:sm_90";

/** A library whose kernels can be called, of one just built: its device module is saved and loaded, as through a file. */
export function loadedLibrary(built: FfiModule): FfiModule {
  const module: unknown = globalFunction("ffi.Module.load_from_bytes.cuda").call(savedModule(built));
  if (!(module instanceof FfiModule)) throw new Error("no module");
  globalFunction("ffi.ModuleClearImports").call(built);
  call("ffi.ModuleImportModule", built, module);
  return built;
}

/** The bytes of the device module among the packed imports of a library: its kind comes before them. */
function savedModule(library: FfiModule): Uint8Array {
  const packed = globalFunction("runtime.ModulePackImportsToTensor").call(library);
  if (!(packed instanceof Tensor)) throw new Error("no packed imports");
  const { buffer, byteOffset, byteLength } = packed.bytes();
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  const kind = Buffer.from("\x04\0\0\0\0\0\0\0cuda", "latin1");
  const at = bytes.indexOf(kind) + kind.length;
  if (at < kind.length) throw new Error("no CUDA module in the library");
  return bytes.subarray(at + 8, at + 8 + Number(bytes.readBigUInt64LE(at)));
}
