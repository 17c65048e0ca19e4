/** Buffers: the tensors a kernel reads and writes, and its own memory. */
import { MlcError } from "../../errors.js";
import { call, type FfiObject } from "../../ffi/index.js";
import { withLanes } from "./dtype.js";
import { asExpr, type ExprLike, int, PrimExpr } from "./prim-expr.js";
import { ramp } from "./vector.js";

/** A row-major tensor variable. Data is 64-byte aligned. */
export class Buffer {
  readonly handle: FfiObject;
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly PrimExpr[];

  /**
   * @param shape sizes; symbolic ones are int64 variables, bound by the tensors a caller passes.
   * @param dtype type of one element.
   * @param scope TVM's storage scope: "" (the device's memory; on CPU also the stack), of kernels for GPUs "shared" and "local".
   */
  constructor(name: string, shape: readonly ExprLike[], dtype: string, scope: "" | "shared" | "local" = "") {
    this.name = name;
    this.dtype = dtype;
    this.shape = shape.map((size) => asExpr(size, "int64"));
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
      const scalar = typeof index === "number" ? int(index) : asExpr(index, "int64");
      return dimension === indices.length - 1 ? ramp(scalar, lanes).handle : scalar.handle;
    });
  }
}
