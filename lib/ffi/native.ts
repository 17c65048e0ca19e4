/**
 * The whole native surface of the addon, declared in one file; nothing else loads the addon. What each member does is
 * documented where lib/ffi exports it.
 */
import { constants } from "node:buffer";
import { createRequire } from "node:module";
import path from "node:path";
import { isErrorCode, MlcError } from "../errors.js";
import { packageRoot } from "../package-root.js";
import type { NativeEngineClass } from "./native-engine.js";
import type {
  Device,
  DType,
  FfiArgument,
  FfiCallback,
  FfiFloat,
  FfiFunction,
  FfiModule,
  FfiObject,
  FfiValue,
  Shape,
  Tensor,
  TypedArray,
} from "./value.js";

/** A class whose instances come from native code only: usable with `instanceof`, not with `new`. */
export interface NativeClass<T> {
  readonly prototype: T;
  [Symbol.hasInstance](value: unknown): value is T;
}

export interface NativeAddon {
  readonly NativeEngine: NativeEngineClass;
  readonly FfiObject: NativeClass<FfiObject>;
  readonly FfiFunction: NativeClass<FfiFunction>;
  readonly FfiModule: NativeClass<FfiModule> & { loadFromFile(path: string): FfiModule };
  readonly Tensor: NativeClass<Tensor> & {
    empty(shape: readonly number[], dtype: string, device?: Device): Tensor;
    from(array: TypedArray, shape: readonly number[], dtype?: string): Tensor;
  };
  readonly FfiFloat: new (value: number) => FfiFloat;
  readonly DType: NativeClass<DType>;
  readonly Device: NativeClass<Device>;
  readonly Shape: NativeClass<Shape>;
  createDType(name: string): DType;
  createDevice(device: Device): Device;
  createShape(dimensions: readonly number[]): Shape;
  /** Type keys from `typeKey` itself to the root type (for the signature generator). */
  typeAncestors(typeKey: string): string[];
  bindGlobalFunction(name: string): ((...args: FfiArgument[]) => FfiValue) | undefined;
  getGlobalFunction(name: string): FfiFunction | undefined;
  registerGlobalFunction(name: string, fn: FfiCallback | FfiFunction, override: boolean): void;
  loadLibrary(path: string): void;
  loadDeviceRuntime(kind: string): boolean;
  mapFile(path: string, offset?: number, length?: number): Uint8Array;
  cpuFeatures(): string[];
  cpuName(): string;
  useThreads(count?: number): number;
  initialize(
    errorFactory: (code: string, message: string, details?: Record<string, unknown>) => MlcError,
    maxViewBytes: number,
  ): void;
}

export const native: NativeAddon = loadAddon();

function loadAddon(): NativeAddon {
  const require = createRequire(import.meta.url);
  // For a build in another folder, such as the one with sanitizers.
  const override = process.env.NODE_MLC_ADDON;
  let addon: NativeAddon;
  try {
    addon = override === undefined ? require("node-gyp-build")(packageRoot) : require(path.resolve(override));
  } catch (cause) {
    throw new MlcError(
      "ERR_NATIVE",
      `Expected the native addon of node-mlc for ${process.platform}-${process.arch} but it does not load: ` +
        `${cause instanceof Error ? cause.message : String(cause)}. Run \`npm run build:native\` in a source checkout.`,
      { cause },
    );
  }
  addon.initialize(
    (code, message, details) =>
      new MlcError(
        isErrorCode(code) ? code : "ERR_NATIVE",
        message,
        details === undefined ? {} : { details },
      ),
    constants.MAX_LENGTH,
  );
  return addon;
}
