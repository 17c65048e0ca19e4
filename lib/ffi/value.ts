/**
 * The values that cross the boundary between JavaScript and TVM, and the rules by which they are converted.
 *
 * To TVM: null and undefined become None; a boolean stays; a number becomes an integer or a float as the schema of the
 * called function says (without a schema: an integer when it is integral); a bigint is an integer, `FfiFloat` forces a
 * float; a string is a Str, or a DataType where the schema says so; a Uint8Array is Bytes, or its address for a `void*`
 * parameter; arrays, Maps and plain objects become ffi.Array and ffi.Map; a function becomes a callback.
 *
 * From TVM: see FfiValue; containers are copied, objects stay handles.
 */

/** A TVM object: an IR node, a target, a pass, a virtual machine. Released by dispose() or by the garbage collector. */
export interface FfiObject {
  /** The registered type, such as "tirx.For". */
  readonly typeKey: string;
  /** Whether dispose() was called; every other member then throws ERR_DISPOSED. */
  readonly disposed: boolean;
  /** Reads a field by reflection (fields of base types included); throws ERR_INVALID_ARGUMENT for an unknown name. */
  field(name: string): FfiValue;
  /** Names of all fields, those of base types first. */
  fieldNames(): string[];
  /** Whether both are handles of the same TVM object. */
  isSame(other: FfiObject): boolean;
  /** Drops this handle's reference now. Idempotent. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** A TVM function. */
export interface FfiFunction extends FfiObject {
  /** Calls it synchronously. TVM errors become MlcError ERR_NATIVE, exceptions of JS callbacks come through as they are. */
  call(...args: FfiArgument[]): FfiValue;
}

/** A TVM module: a library of compiled functions. */
export interface FfiModule extends FfiObject {
  /** The named function, searched in imported modules too unless `queryImports` is false; throws ERR_INVALID_ARGUMENT. */
  getFunction(name: string, queryImports?: boolean): FfiFunction;
  /** The kind of module, such as "llvm", "library" or "relax.Executable". */
  readonly kind: string;
  readonly imports: FfiModule[];
}

/** A device by type name ("cpu", "cuda", "metal", "vulkan", ...) and index. */
export interface Device {
  readonly type: string;
  readonly index: number;
}

export type TypedArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** A tensor in device memory; its data is 64-byte aligned, as compiled kernels require. */
export interface Tensor extends FfiObject {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly device: Device;
  readonly byteLength: number;
  /**
   * The elements of a CPU tensor without a copy; the view keeps the memory alive, even after dispose(). float16 and
   * bfloat16 give a Uint16Array of their bits, types without a typed array give their bytes.
   */
  view(): TypedArray;
  /** The bytes of a CPU tensor without a copy. */
  bytes(): Uint8Array;
}

/** Forces a number to be passed as a float where the function has no schema. */
export interface FfiFloat {
  readonly value: number;
}

/** A data type, such as "float32" or "int8x4". */
export interface DType {
  readonly name: string;
  toString(): string;
}

/** An ffi.Shape, where a plain array of numbers would become an ffi.Array. */
export interface Shape {
  readonly dimensions: number[];
}

/** What TVM returns: pointers and integers beyond 2^53 are bigints, a DataType is its name, a Shape an array. */
export type FfiValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Device
  | FfiObject
  | FfiValue[]
  | Map<FfiValue, FfiValue>;

/**
 * A function that TVM may call: synchronously, on the thread that made it. Its parameters may be declared narrower than
 * FfiValue (TVM's caller decides what comes), hence the method form, which TypeScript checks bivariantly.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a callback without a return statement is a valid one
export type FfiCallback = { call(...args: FfiValue[]): FfiArgument | void }["call"];

/** What may be passed to TVM. */
export type FfiArgument =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | TypedArray
  | FfiObject
  | FfiFloat
  | DType
  | Device
  | Shape
  | FfiCallback
  | readonly FfiArgument[]
  | ReadonlyMap<FfiArgument, FfiArgument>
  | { readonly [key: string]: FfiArgument };
