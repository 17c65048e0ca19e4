/** The binding of TVM's FFI. This is a barrel for the other rooms; files of lib/ffi do not import it. */
import { native } from "./native.js";
import type * as value from "./value.js";
import type { Device, DType, Shape } from "./value.js";

export { addonRuntime, type NativeRuntime } from "./addon-runtime.js";
export { loadCompilerLibrary } from "./compiler-library.js";
export { compilerLibraryPath, compilerLibraryRemedy } from "./compiler-library-path.js";
export {
  type CachingRuntime,
  compileCuda,
  type DeviceFeatures,
  type DeviceRuntime,
  listDevices,
  loadDeviceRuntime,
  missingCodeGenerator,
  programCounts,
  type RuntimeDevice,
  runtimeDevice,
  setProgramCache,
} from "./device-runtime.js";
export { call, getGlobalFunction, registerGlobalFunction } from "./functions.js";
export type { GlobalFunctions, Ref } from "./global-functions.js";
export type {
  EvaluateOptions,
  NativeEngineConfig,
  NativeEngineStats,
  NativeEvent,
  NativeFinish,
  NativeGrammar,
  NativeLogprobs,
  NativeParameter,
  NativePooling,
  NativeRequest,
  NativeTiming,
} from "./native-engine.js";
export { NativeEngine } from "./native-engine.js";
export type { Device, DType, FfiArgument, FfiCallback, FfiValue, Shape, TypedArray } from "./value.js";

export const FfiObject = native.FfiObject;
export type FfiObject = value.FfiObject;
export const FfiFunction = native.FfiFunction;
export type FfiFunction = value.FfiFunction;
/** `FfiModule.loadFromFile(path)` loads a compiled library; a missing or foreign file throws ERR_NATIVE. */
export const FfiModule = native.FfiModule;
export type FfiModule = value.FfiModule;
/** `Tensor.empty(shape, dtype, device?)` allocates; `Tensor.from(array, shape, dtype?)` copies to the CPU. */
export const Tensor = native.Tensor;
export type Tensor = value.Tensor;
export const FfiFloat = native.FfiFloat;
export type FfiFloat = value.FfiFloat;

const dtypes = new Map<string, DType>();

/** The data type of this name; throws ERR_INVALID_ARGUMENT for a name that TVM does not know. */
export function dtype(name: string): DType {
  let found = dtypes.get(name);
  if (found === undefined) {
    found = native.createDType(name);
    dtypes.set(name, found);
  }
  return found;
}

/** A device; throws ERR_INVALID_ARGUMENT for an unknown type. */
export function device(type: string, index = 0): Device {
  return native.createDevice({ type, index });
}

/** An ffi.Shape. */
export function shape(dimensions: readonly number[]): Shape {
  return native.createShape(dimensions);
}

/**
 * Maps a file into memory, copy on write: pages are read on first touch, writes never reach the file. `offset` and
 * `length` (bytes, any value within the file) map a part, which a file longer than buffer.constants.MAX_LENGTH needs.
 * The mapping is undone when the array is collected. Throws ERR_IO.
 */
export function mapFile(path: string, offset?: number, length?: number): Uint8Array {
  return native.mapFile(path, offset, length);
}

/** LLVM's names of the instruction sets that the running processor and system support, sorted (AMX is left out). */
export function cpuFeatures(): string[] {
  return native.cpuFeatures();
}

/**
 * Threads for the compiled kernels that this JavaScript thread calls itself (1 until then); an engine has threads of its
 * own. At most as many as there are processors; 0, the default, means one for each
 * physical core. Returns the number in use.
 */
export function useThreads(count?: number): number {
  return native.useThreads(count);
}

/** The processor's own name, for people: "AMD EPYC 9R14", "Apple M2"; not an LLVM processor name. */
export function cpuName(): string {
  return native.cpuName();
}
