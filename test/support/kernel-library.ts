/** Compiles kernels for this machine and calls them with typed arrays. */
import { buildPrimFuncs } from "../../lib/compiler/codegen/build.js";
import { resolveTarget } from "../../lib/compiler/codegen/target.js";
import { type FfiArgument, type FfiModule, type FfiObject, Tensor, useThreads } from "../../lib/ffi/index.js";
import type { ReferenceWeight } from "./reference/rows16.js";

// As in an engine: a parallel loop whose iterations disturb each other must show.
useThreads(2);

/** One kernel, compiled. */
export class Kernel {
  readonly library: FfiModule;

  constructor(func: FfiObject, target = "cpu") {
    this.library = buildPrimFuncs({ kernel: func }, resolveTarget(target));
  }

  /** Calls it with `args` and a float32 output of `shape` filled with NaN, which it returns. */
  run(args: readonly FfiArgument[], shape: readonly number[]): Float32Array {
    const output = Tensor.empty([...shape], "float32");
    const values = floats(output).fill(Number.NaN);
    this.library.getFunction("kernel").call(...args, output);
    return values;
  }
}

export function float32(values: Float32Array, shape: readonly number[]): Tensor {
  return Tensor.from(values, [...shape], "float32");
}

export function int32(values: readonly number[]): Tensor {
  return Tensor.from(Int32Array.from(values), [values.length], "int32");
}

/** The tensor of a packed weight. */
export function packedTensor(weight: ReferenceWeight): Tensor {
  return Tensor.from(weight.packed, weight.packedShape, weight.packedDtype);
}

/** The elements of a float32 tensor, in its memory. */
export function floats(tensor: Tensor): Float32Array {
  const view = tensor.view();
  if (!(view instanceof Float32Array)) throw new TypeError(`expected float32, received ${tensor.dtype}`);
  return view;
}

/** The largest error of `received`, relative to the root mean square of `expected`; infinite for a value that is no number. */
export function relativeError(received: Float32Array, expected: ArrayLike<number>): number {
  let worst = 0;
  let squares = 0;
  for (let i = 0; i < expected.length; i++) {
    const value = expected[i] ?? Number.NaN;
    const error = Math.abs((received[i] ?? Number.NaN) - value);
    if (!(error <= worst)) worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
    squares += value * value;
  }
  return received.length === expected.length
    ? worst / Math.sqrt(squares / expected.length)
    : Number.POSITIVE_INFINITY;
}
