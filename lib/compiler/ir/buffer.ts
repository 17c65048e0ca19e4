/** Buffers: the tensors a kernel reads and writes, and its own memory. */
import { MlcError } from "../../errors.js";
import { call, type FfiObject } from "../../ffi/index.js";
import { withLanes } from "./dtype.js";
import { asExpr, type ExprLike, PrimExpr } from "./prim-expr.js";
import { ramp } from "./vector.js";

/** Type of sizes, indices and loops. */
export type IndexDtype = "int32" | "int64";

/** A row-major tensor variable. Data is 64-byte aligned. */
export class Buffer {
  readonly handle: FfiObject;
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly PrimExpr[];
  /** Type of sizes and indices. */
  readonly index: IndexDtype;

  /**
   * @param shape sizes; symbolic ones are variables of the type `index`, bound by the tensors a caller passes.
   * @param dtype type of one element.
   * @param index type of its sizes and indices; int32 takes fewer instructions on a GPU, where a tensor has below 2^31 elements.
   * @param scope TVM's storage scope: "" (the device's memory; on CPU also the stack), of kernels for GPUs "shared" and "local".
   */
  constructor(
    name: string,
    shape: readonly ExprLike[],
    dtype: string,
    index: IndexDtype = "int64",
    scope: "" | "shared" | "local" = "",
  ) {
    this.name = name;
    this.dtype = dtype;
    this.index = index;
    this.shape = shape.map((size) => asExpr(size, index));
    const sizes = this.shape.map(({ handle }) => handle);
    const element = call("ir.PrimType", dtype);
    const type = call("tirx.BufferType", scope, element, sizes, [], null, -1, 0, null, [], null);
    this.handle = call("tirx.BufferVar", name, type, null);
  }

  /** One element. */
  load(...indices: ExprLike[]): PrimExpr {
    return this.loadVector(1, ...indices);
  }

  /** `lanes` consecutive elements of the last dimension, from the given indices on; any alignment. */
  loadVector(lanes: number, ...indices: ExprLike[]): PrimExpr {
    const node = call("tirx.BufferLoad", this.handle, this.access(lanes, indices), null);
    return new PrimExpr(node, withLanes(this.dtype, lanes));
  }

  /** The handles of an access of `lanes` elements; throws ERR_COMPILE for a wrong number or type of indices. */
  access(lanes: number, indices: readonly ExprLike[]): FfiObject[] {
    if (indices.length !== this.shape.length) {
      throw new MlcError(
        "ERR_COMPILE",
        `Expected ${this.shape.length} indices of buffer ${this.name} but received ${indices.length}.`,
      );
    }
    return indices.map((index, dimension) => {
      const scalar = this.#indexOf(index);
      return dimension === indices.length - 1 ? ramp(scalar, lanes).handle : scalar.handle;
    });
  }

  /** Shorter indices are widened. */
  #indexOf(index: ExprLike): PrimExpr {
    const isShorter = typeof index !== "number" && index.dtype === "int32" && this.index === "int64";
    return isShorter ? index.cast("int64") : asExpr(index, this.index);
  }
}
