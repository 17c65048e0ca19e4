import { describe, expect, it } from "vitest";
import { MlcError } from "../../lib/errors.js";
import { FfiModule, getGlobalFunction } from "../../lib/ffi/index.js";
import { globalFunction } from "../support/global-function.js";

describe("errors of TVM", () => {
  it("carry kind, message and backtrace", () => {
    let caught: unknown;
    try {
      globalFunction("ffi.ArrayGetItem").call([1, 2], 9);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(MlcError);
    expect(caught).toMatchObject({
      code: "ERR_NATIVE",
      message: expect.stringContaining("IndexError"),
      details: { kind: "IndexError", backtrace: expect.stringContaining("File") },
    });
  });

  it("a mismatched argument names the signature", () => {
    expect(() => globalFunction("ffi.ModuleGetKind").call(3)).toThrow(/Mismatched type on argument #0/);
  });

  it("a missing function is undefined", () => {
    expect(getGlobalFunction("no.such.function")).toBeUndefined();
  });

  it("a missing library file is an error", () => {
    expect(() => FfiModule.loadFromFile("/nowhere/model.so")).toThrow(
      expect.objectContaining({ code: "ERR_NATIVE" }),
    );
  });

  it("an unknown module function names the module", () => {
    const module = globalFunction("ffi.SystemLib").call();
    expect(module).toBeInstanceOf(FfiModule);
    if (!(module instanceof FfiModule)) return;
    expect(() => module.getFunction("nothing")).toThrow(/nothing/);
    expect(module.kind).toBeTypeOf("string");
    expect(module.imports).toEqual([]);
  });

  it("the next call after an error works", () => {
    const get = globalFunction("ffi.ArrayGetItem");
    for (let i = 0; i < 100; i++) {
      expect(() => get.call([1], 5)).toThrow();
      expect(get.call([i], 0)).toBe(i);
    }
  });
});
