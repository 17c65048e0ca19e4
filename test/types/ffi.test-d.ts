import { describe, expectTypeOf, it } from "vitest";
import {
  call,
  type FfiObject,
  type FfiValue,
  getGlobalFunction,
  type Ref,
  Tensor,
} from "../../lib/ffi/index.js";

describe("call()", () => {
  it("knows names, parameters and results", () => {
    expectTypeOf(call("ir.GlobalVar", "main")).toExtend<Ref<"ir.GlobalVar">>();
    expectTypeOf(call("ir.GlobalVar", "main")).toExtend<FfiObject>();
    expectTypeOf(call("target.llvm_get_system_cpu")).toEqualTypeOf<string>();
    expectTypeOf(call("target.Target", { kind: "llvm" })).toEqualTypeOf<FfiValue>();
  });

  it("refuses an unknown name", () => {
    // @ts-expect-error no such function
    call("ir.NoSuchNode", 1);
  });

  it("refuses wrong arguments", () => {
    // @ts-expect-error a name is a string
    call("ir.GlobalVar", 1);
    // @ts-expect-error too few arguments
    call("ir.IntImm", "int64");
    // @ts-expect-error a type is not an expression
    call("relax.ShapeExpr", [call("ir.PrimType", "int64")], null);
  });

  it("takes numbers for expressions, and handles of derived types", () => {
    const variable = call("ir.Var", "n", call("ir.PrimType", "int64"), null);
    call("relax.ShapeExpr", [1, variable], null);
    const untyped: FfiObject = variable;
    call("relax.ShapeExpr", [untyped], null);
  });
});

describe("handles", () => {
  it("have the shapes the contract names", () => {
    expectTypeOf(getGlobalFunction("x")).toExtend<{ call: (...args: never[]) => FfiValue } | undefined>();
    expectTypeOf(Tensor.empty([1], "float32").view()).toExtend<ArrayBufferView>();
    expectTypeOf(Tensor.empty([1], "float32").shape).toEqualTypeOf<readonly number[]>();
    // @ts-expect-error handles come from TVM only
    new Tensor();
  });
});
