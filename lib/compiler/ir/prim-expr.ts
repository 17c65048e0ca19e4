/**
 * Expressions of tensor programs: immutable handles of TVM's nodes. Operands are checked when a node is made, before TVM sees
 * them; vectors are ordinary expressions whose type has lanes, and a scalar meets a vector as a copy in every lane.
 */
import { MlcError } from "../../errors.js";
import { call, type FfiObject } from "../../ffi/index.js";
import { dtypeParts, withLanes } from "./dtype.js";

/** What stands for an expression: a number takes the type of the operand it meets. */
export type ExprLike = PrimExpr | number;

type BinaryNode =
  | "prim._OpAdd"
  | "prim._OpSub"
  | "prim._OpMul"
  | "prim._OpDiv"
  | "prim._OpFloorDiv"
  | "prim._OpFloorMod"
  | "prim._OpMax"
  | "prim._OpMin"
  | "prim._OpLT"
  | "prim._OpLE"
  | "prim._OpGT"
  | "prim._OpGE"
  | "prim._OpEQ";

/** An expression with its type. */
export class PrimExpr {
  readonly handle: FfiObject;
  readonly dtype: string;

  constructor(handle: FfiObject, dtype: string) {
    this.handle = handle;
    this.dtype = dtype;
  }

  get lanes(): number {
    return dtypeParts(this.dtype).lanes;
  }

  /** Type of one lane. */
  get element(): string {
    return dtypeParts(this.dtype).element;
  }

  add(other: ExprLike): PrimExpr {
    return this.#binary("prim._OpAdd", other);
  }

  sub(other: ExprLike): PrimExpr {
    return this.#binary("prim._OpSub", other);
  }

  mul(other: ExprLike): PrimExpr {
    return this.#binary("prim._OpMul", other);
  }

  /** Quotient of floats; integers need floorDiv. */
  div(other: ExprLike): PrimExpr {
    this.#require("float", "div", "floorDiv");
    return this.#binary("prim._OpDiv", other);
  }

  /** Quotient of integers, rounded down. */
  floorDiv(other: ExprLike): PrimExpr {
    this.#require("int", "floorDiv", "div");
    return this.#binary("prim._OpFloorDiv", other);
  }

  /** Remainder of integers with the sign of the divisor. */
  floorMod(other: ExprLike): PrimExpr {
    this.#require("int", "floorMod", "sub and mul");
    return this.#binary("prim._OpFloorMod", other);
  }

  max(other: ExprLike): PrimExpr {
    return this.#binary("prim._OpMax", other);
  }

  min(other: ExprLike): PrimExpr {
    return this.#binary("prim._OpMin", other);
  }

  lt(other: ExprLike): PrimExpr {
    return this.#compare("prim._OpLT", other);
  }

  le(other: ExprLike): PrimExpr {
    return this.#compare("prim._OpLE", other);
  }

  gt(other: ExprLike): PrimExpr {
    return this.#compare("prim._OpGT", other);
  }

  ge(other: ExprLike): PrimExpr {
    return this.#compare("prim._OpGE", other);
  }

  eq(other: ExprLike): PrimExpr {
    return this.#compare("prim._OpEQ", other);
  }

  /** Value conversion; the lanes stay. The same type returns this very expression. */
  cast(element: string): PrimExpr {
    const dtype = withLanes(element, this.lanes);
    if (dtype === this.dtype) return this;
    return new PrimExpr(call("prim._cast", dtype, this.handle, null), dtype);
  }

  /** This scalar in every one of `lanes` lanes. */
  broadcast(lanes: number): PrimExpr {
    if (this.lanes === lanes) return this;
    if (this.lanes !== 1) throw mismatch("broadcast", "a scalar", this.dtype);
    return new PrimExpr(
      call("prim.Broadcast", this.handle, int(lanes, "int32").handle, null),
      withLanes(this.element, lanes),
    );
  }

  /** The type, for messages; the text of a whole function is `script(func)`. */
  toString(): string {
    return `PrimExpr<${this.dtype}>`;
  }

  #binary(node: BinaryNode, other: ExprLike): PrimExpr {
    const [left, right] = match(node.slice("prim._Op".length), this, other);
    return new PrimExpr(call(node, left.handle, right.handle, null), left.dtype);
  }

  #compare(node: BinaryNode, other: ExprLike): PrimExpr {
    const [left, right] = match(node.slice("prim._Op".length), this, other);
    return new PrimExpr(call(node, left.handle, right.handle, null), withLanes("bool", left.lanes));
  }

  #require(kind: "float" | "int", operation: string, instead: string): void {
    const received = dtypeParts(this.dtype).kind;
    if (received !== kind && !(kind === "int" && received === "uint"))
      throw mismatch(operation, `${kind} operands (else use ${instead})`, this.dtype);
  }
}

/** Two operands of one type: numbers become constants of the other's type, a scalar is copied to the other's lanes. */
function match(operation: string, left: PrimExpr, right: ExprLike): [PrimExpr, PrimExpr] {
  const other = typeof right === "number" ? constant(right, left.element) : right;
  if (other.element !== left.element) throw mismatch(operation, left.dtype, other.dtype);
  const lanes = Math.max(left.lanes, other.lanes);
  if ((left.lanes !== lanes && left.lanes !== 1) || (other.lanes !== lanes && other.lanes !== 1))
    throw mismatch(operation, left.dtype, other.dtype);
  return [left.broadcast(lanes), other.broadcast(lanes)];
}

function mismatch(operation: string, expected: string, received: string): MlcError {
  return new MlcError(
    "ERR_COMPILE",
    `Expected ${expected} in ${operation} but received ${received}: cast one of the operands.`,
    { details: { operation, expected, received } },
  );
}

/** A constant of any scalar type; throws ERR_COMPILE where an integer type meets a fraction. */
export function constant(value: number, dtype: string): PrimExpr {
  const { kind } = dtypeParts(dtype);
  if (kind === "float") return float(value, dtype);
  return int(value, dtype);
}

/** An integer constant, int64 unless said otherwise. */
export function int(value: number, dtype = "int64"): PrimExpr {
  if (!Number.isSafeInteger(value)) throw mismatch(`a constant of ${dtype}`, "an integer", String(value));
  return new PrimExpr(call("ir.IntImm", dtype, value, null), dtype);
}

/** A float constant, float32 unless said otherwise. */
export function float(value: number, dtype = "float32"): PrimExpr {
  return new PrimExpr(call("ir.FloatImm", dtype, value, null), dtype);
}

/** A scalar variable: a size, a scalar parameter or a loop's index. */
export function variable(name: string, dtype = "int64"): PrimExpr {
  return new PrimExpr(call("ir.Var", name, call("ir.PrimType", dtype), null), dtype);
}

/** An expression of `dtype` (one lane type): numbers become constants, other types are refused. */
export function asExpr(value: ExprLike, dtype: string): PrimExpr {
  if (typeof value === "number") return constant(value, dtype);
  if (value.element !== dtype) throw mismatch("an operand", dtype, value.dtype);
  return value;
}

/** Lane by lane `condition ? whenTrue : whenFalse`; both are evaluated. */
export function select(condition: PrimExpr, whenTrue: PrimExpr, whenFalse: ExprLike): PrimExpr {
  if (condition.element !== "bool") throw mismatch("select", "a bool condition", condition.dtype);
  const [left, right] = match("select", whenTrue, whenFalse);
  const lanes = Math.max(condition.lanes, left.lanes);
  const [a, b] = [left.broadcast(lanes), right.broadcast(lanes)];
  return new PrimExpr(
    call("prim.Select", condition.broadcast(lanes).handle, a.handle, b.handle, null),
    a.dtype,
  );
}
