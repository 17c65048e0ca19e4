import { describe, expect, it } from "vitest";
import type { FfiArgument } from "../../lib/ffi/index.js";
import {
  device,
  dtype,
  FfiFloat,
  FfiFunction,
  FfiObject,
  getGlobalFunction,
  shape,
} from "../../lib/ffi/index.js";
import { globalFunction } from "../support/global-function.js";

const array = globalFunction("ffi.Array");
const repr = globalFunction("ffi.ReprPrint");

/** What the value is after a round trip through TVM. */
const echo = (value: FfiArgument) => {
  const result = array.call(value);
  return Array.isArray(result) ? result[0] : undefined;
};

describe("values through TVM and back", () => {
  it.each<[string, FfiArgument, unknown]>([
    ["null", null, null],
    ["undefined", undefined, null],
    ["true", true, true],
    ["false", false, false],
    ["an integer", 42, 42],
    ["a negative integer", -7, -7],
    ["the largest safe integer", Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ["a bigint in range", 12n, 12],
    ["a bigint beyond 2^53", 2n ** 62n, 2n ** 62n],
    ["the smallest int64", -(2n ** 63n), -(2n ** 63n)],
    ["one more than int64 holds", 2n ** 63n, 2n ** 63n],
    ["one less than int64 holds", -(2n ** 63n) - 1n, -(2n ** 63n) - 1n],
    ["the largest uint64", 2n ** 64n - 1n, 2n ** 64n - 1n],
    ["a bigint of two words", 2n ** 127n - 3n, 2n ** 127n - 3n],
    ["a bigint of three words", 2n ** 128n, 2n ** 128n],
    ["a negative bigint with zero words", -(2n ** 128n), -(2n ** 128n)],
    ["a fraction", 1.25, 1.25],
    ["a number beyond 2^53", 1e300, 1e300],
    ["NaN", Number.NaN, Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    ["an empty string", "", ""],
    ["a short string", "abc", "abc"],
    ["unicode", "grüße 日本 🦊", "grüße 日本 🦊"],
    ["a string with a zero character", "a\0b", "a\0b"],
    ["a long string", "é".repeat(5000), "é".repeat(5000)],
    ["bytes", Uint8Array.of(0, 255, 7), Uint8Array.of(0, 255, 7)],
    ["no bytes", new Uint8Array(0), new Uint8Array(0)],
    ["a data type", dtype("float16"), "float16"],
    ["a vector data type", dtype("int8x4"), "int8x4"],
    ["a shape", shape([2, 0, 3]), [2, 0, 3]],
    ["an empty array", [], []],
    ["nested arrays", [1, ["a", [null]]], [1, ["a", [null]]]],
    [
      "an object",
      { a: 1, b: ["x"] },
      new Map<string, unknown>([
        ["a", 1],
        ["b", ["x"]],
      ]),
    ],
    ["an empty object", {}, new Map()],
    [
      "a map",
      new Map<FfiArgument, FfiArgument>([
        [1, "one"],
        ["two", 2],
      ]),
      new Map<unknown, unknown>([
        [1, "one"],
        ["two", 2],
      ]),
    ],
  ])("%s", (_name, value, expected) => {
    expect(echo(value)).toEqual(expected);
  });

  it("keeps a device", () => {
    expect(echo(device("cuda", 3))).toMatchObject({ type: "cuda", index: 3 });
  });

  it("keeps the identity of objects", () => {
    const original = getGlobalFunction("ffi.Shape");
    const copy = echo(original);
    expect(copy).toBeInstanceOf(FfiFunction);
    expect(copy instanceof FfiObject && original?.isSame(copy)).toBe(true);
    expect(original?.isSame(array)).toBe(false);
  });

  it("keeps a buffer's own part of its memory", () => {
    expect(echo(Uint8Array.of(1, 2, 3, 4).subarray(1, 3))).toEqual(Uint8Array.of(2, 3));
  });
});

describe("integers and floats without a schema", () => {
  it.each<[FfiArgument, string]>([
    [1, "1"],
    [1.5, "1.5"],
    [-0, "0"],
    [new FfiFloat(1), "1"],
    [true, "True"],
    [1n, "1"],
  ])("%s prints as %s", (value, text) => {
    expect(String(repr.call(value)).replace(/\.0*$/, "")).toBe(text);
  });

  it.each<[FfiArgument, string]>([
    [1, "int"],
    [1.5, "float"],
    [new FfiFloat(1), "float"],
    [1n, "int"],
    [true, "bool"],
  ])("%s arrives as %s: %s", (value, type) => {
    // TVM's message about a wrong argument names the type that it received.
    expect(() => globalFunction("ffi.ModuleGetKind").call(value)).toThrow(`but got \`${type}\``);
  });

  it("FfiFloat shows its value", () => {
    expect(new FfiFloat(2.5).value).toBe(2.5);
  });
});

describe("values that TVM cannot take", () => {
  const cyclic: FfiArgument[] = [];
  cyclic.push(cyclic);
  it.each<[string, unknown]>([
    ["a symbol", Symbol("x")],
    ["a Float32Array", new Float32Array(2)],
    ["a Date", new Date()],
    ["a Promise", Promise.resolve()],
    ["a class instance", new (class Other {})()],
    ["a Set", new Set()],
    ["a cyclic array", cyclic],
    ["a map with a bad value", new Map([["a", Symbol("b")]])],
  ])("%s is refused", (_name, value) => {
    expect(() => array.call(value as FfiArgument)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", message: expect.stringMatching(/^Expected/) }),
    );
  });

  it("an unknown data type", () => {
    expect(() => dtype("floaty32")).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  });

  it("an unknown device", () => {
    expect(() => device("toaster")).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  });

  it.each([[[-1]], [[1.5]], [["2"]]])("the shape %j", (dimensions) => {
    expect(() => shape(dimensions as number[])).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });

  it("passes on what a getter throws", () => {
    const trap = {
      get a(): number {
        throw new RangeError("from the getter");
      },
    };
    expect(() => array.call(trap)).toThrow(RangeError);
  });
});
