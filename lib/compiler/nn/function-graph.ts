// One compiled function while it is being built: its symbolic sizes, its inputs and the calls of kernels.
import type { FfiObject } from "../../ffi/index.js";
import type { BlockBuilder, Emit } from "../ir/block-builder.js";
import { callKernel, tupleGetItem } from "../ir/relax-expression.js";
import { type Dimension, tensorType } from "../ir/relax-type.js";

/** A kernel as a layer asks for it: `key` says all it depends on, `make` builds its PrimFunc. */
export interface KernelRequest {
  readonly key: string;
  readonly make: () => FfiObject;
}

export class FunctionGraph {
  readonly #builder: BlockBuilder;
  readonly #emit: Emit;
  readonly #params: FfiObject;
  readonly #parameterIndex: ReadonlyMap<string, number>;
  readonly #read = new Map<string, FfiObject>();

  /**
   * @param params the tuple of weights.
   * @param parameterIndex position of each parameter in it.
   */
  constructor(
    builder: BlockBuilder,
    emit: Emit,
    params: FfiObject,
    parameterIndex: ReadonlyMap<string, number>,
  ) {
    this.#builder = builder;
    this.#emit = emit;
    this.#params = params;
    this.#parameterIndex = parameterIndex;
  }

  /** The weight called `name`, read once a function. */
  param(name: string): FfiObject {
    let variable = this.#read.get(name);
    if (variable === undefined) {
      const index = this.#parameterIndex.get(name);
      if (index === undefined) throw new RangeError(`no parameter "${name}"`);
      variable = this.#emit(tupleGetItem(this.#params, index), "");
      this.#read.set(name, variable);
    }
    return variable;
  }

  /** Calls a kernel whose last parameter is its output of `shape`. */
  call(
    kernel: KernelRequest,
    args: readonly FfiObject[],
    shape: readonly Dimension[],
    hint: string,
    dtype: "float32" | "int32" = "float32",
  ): FfiObject {
    const variable = this.#builder.primFunc(kernel.key, kernel.make);
    return this.#emit(callKernel(variable, args, tensorType(shape, dtype)), hint);
  }
}
