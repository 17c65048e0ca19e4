/** Vectors and intrinsics: what a CPU kernel needs beyond arithmetic. LLVM splits a vector that is wider than a register. */
import { MlcError } from "../../errors.js";
import { call, type FfiObject } from "../../ffi/index.js";
import { dtypeParts, withLanes } from "./dtype.js";
import { int, PrimExpr } from "./prim-expr.js";

/** Consecutive indices `base, base + 1, ...`: loads and stores with it move `lanes` elements. */
export function ramp(base: PrimExpr, lanes: number): PrimExpr {
  if (lanes === 1) return base;
  return new PrimExpr(
    call("prim.Ramp", base.handle, int(1, base.dtype).handle, int(lanes, "int32").handle, null),
    withLanes(base.dtype, lanes),
  );
}

/** The same bits as another type of the same width, such as uint8x64 as int32x16. */
export function reinterpret(value: PrimExpr, dtype: string): PrimExpr {
  const [from, to] = [dtypeParts(value.dtype), dtypeParts(dtype)];
  if (from.bits * from.lanes !== to.bits * to.lanes) {
    throw new MlcError(
      "ERR_COMPILE",
      `Expected a type of ${from.bits * from.lanes} bits to read ${value.dtype} as but received ${dtype}.`,
    );
  }
  return operation("tirx.reinterpret", dtype, [value]);
}

/** `a * b + c` of floats in one rounding, wherever the processor has such an instruction. */
export function multiplyAdd(a: PrimExpr, b: PrimExpr, c: PrimExpr): PrimExpr {
  const lanes = Math.max(a.lanes, b.lanes, c.lanes);
  const operands = [a, b, c].map((operand) => operand.broadcast(lanes));
  for (const operand of operands) {
    if (operand.dtype !== operands[0]?.dtype) {
      throw new MlcError(
        "ERR_COMPILE",
        `Expected one type in multiplyAdd but received ${operands.map(({ dtype }) => dtype).join(", ")}.`,
      );
    }
  }
  return llvmIntrinsic("llvm.fmuladd", operands[0]?.dtype ?? a.dtype, operands);
}

/** A pure LLVM intrinsic by its name without type suffix; `dtype` is the type of its result. */
export function llvmIntrinsic(name: string, dtype: string, operands: readonly PrimExpr[]): PrimExpr {
  const id = call("target.llvm_lookup_intrinsic_id", name);
  if (Number(id) === 0) {
    throw new MlcError("ERR_COMPILE", `Expected the name of an LLVM intrinsic but received "${name}".`);
  }
  return operation("tirx.call_llvm_pure_intrin", dtype, [int(Number(id), "uint32"), ...operands]);
}

/** A pure function of the LLVM IR that the block has (`Block.importLlvm`); `dtype` is the type of its result. */
export function llvmFunction(name: string, dtype: string, operands: readonly PrimExpr[]): PrimExpr {
  const symbol = call("ir.StringImm", name, null);
  return operation("tirx.call_pure_extern", dtype, operands, [symbol]);
}

/** The integer nearest to each lane, halves to even, as a float. */
export function roundToInteger(value: PrimExpr): PrimExpr {
  return llvmIntrinsic("llvm.nearbyint", value.dtype, [value]);
}

/** The largest of the signed integer lanes. */
export function largestLane(value: PrimExpr): PrimExpr {
  return llvmIntrinsic("llvm.vector.reduce.smax", value.element, [value]);
}

/** The sum of the integer lanes. */
export function laneSum(value: PrimExpr): PrimExpr {
  return llvmIntrinsic("llvm.vector.reduce.add", value.element, [value]);
}

/** Correctly rounded square root of a float. */
export function squareRoot(value: PrimExpr): PrimExpr {
  return llvmIntrinsic("llvm.sqrt", value.dtype, [value]);
}

/** Integer operations on bits, lane by lane; shifts of signed integers to the right keep the sign. */
export function bitAnd(value: PrimExpr, mask: number): PrimExpr {
  return bits("prim.bitwise_and", value, mask);
}

export function shiftLeft(value: PrimExpr, by: number): PrimExpr {
  return by === 0 ? value : bits("prim.left_shift", value, by);
}

export function shiftRight(value: PrimExpr, by: number): PrimExpr {
  return by === 0 ? value : bits("prim.right_shift", value, by);
}

/** The bits of either of two integers. */
export function bitOr(a: PrimExpr, b: PrimExpr): PrimExpr {
  return new PrimExpr(call("prim.bitwise_or", a.handle, b.handle, null) as FfiObject, a.dtype);
}

/** As `shiftRight`, by a number known at run time. */
export function shiftRightBy(value: PrimExpr, by: PrimExpr): PrimExpr {
  return new PrimExpr(call("prim.right_shift", value.handle, by.handle, null) as FfiObject, value.dtype);
}

type BitNode = "prim.bitwise_and" | "prim.left_shift" | "prim.right_shift";

function bits(name: BitNode, value: PrimExpr, by: number): PrimExpr {
  const { kind } = dtypeParts(value.dtype);
  if (kind === "float" || kind === "bool") {
    throw new MlcError("ERR_COMPILE", `Expected integers in ${name} but received ${value.dtype}.`);
  }
  const operand = int(by, value.element).broadcast(value.lanes);
  return new PrimExpr(call(name, value.handle, operand.handle, null) as FfiObject, value.dtype);
}

/** Lanes `first` to `first + count - 1` of a vector. */
export function lanesOf(vector: PrimExpr, first: number, count: number): PrimExpr {
  return permuteLanes(
    vector,
    Array.from({ length: count }, (_, lane) => first + lane),
  );
}

/** The lanes of a vector that `lanes` names, in that order. */
export function permuteLanes(vector: PrimExpr, lanes: readonly number[]): PrimExpr {
  const indices = lanes.map((lane) => int(lane, "int32").handle);
  const node = call("prim.Shuffle", [vector.handle], indices, null);
  return new PrimExpr(node, withLanes(vector.element, lanes.length));
}

/** 0, 1, 2, ... in int32 lanes. */
export function laneIndices(lanes: number): PrimExpr {
  return ramp(int(0, "int32"), lanes);
}

/** A call of one of TVM's operators by its name, such as "tirx.exp"; `dtype` is the type of its result. */
export function operation(
  name: string,
  dtype: string,
  operands: readonly PrimExpr[],
  first: readonly FfiObject[] = [],
): PrimExpr {
  const handles = [...first, ...operands.map(({ handle }) => handle)];
  const node = call("ir.Call", call("ir.PrimType", dtype), call("ir.GetOp", name), handles, null, [], null);
  return new PrimExpr(node, dtype);
}
