import { describe, expect, it } from "vitest";
import {
  device,
  dtype,
  FfiFloat,
  FfiFunction,
  FfiModule,
  FfiObject,
  shape,
  Tensor,
} from "../../lib/ffi/index.js";
import { globalFunction } from "../support/global-function.js";
import { firstMessage, startWorker } from "../support/native-child.js";

/** Every native member, as a call on an arbitrary receiver. */
const MEMBERS: readonly [string, object, string, unknown[]][] = [
  ["FfiObject", FfiObject.prototype, "typeKey", []],
  ["FfiObject", FfiObject.prototype, "disposed", []],
  ["FfiObject", FfiObject.prototype, "field", ["name"]],
  ["FfiObject", FfiObject.prototype, "fieldNames", []],
  ["FfiObject", FfiObject.prototype, "isSame", [null]],
  ["FfiObject", FfiObject.prototype, "dispose", []],
  ["FfiFunction", FfiFunction.prototype, "call", []],
  ["FfiModule", FfiModule.prototype, "getFunction", ["main"]],
  ["FfiModule", FfiModule.prototype, "kind", []],
  ["FfiModule", FfiModule.prototype, "imports", []],
  ["Tensor", Tensor.prototype, "shape", []],
  ["Tensor", Tensor.prototype, "dtype", []],
  ["Tensor", Tensor.prototype, "device", []],
  ["Tensor", Tensor.prototype, "byteLength", []],
  ["Tensor", Tensor.prototype, "view", []],
  ["Tensor", Tensor.prototype, "bytes", []],
];

function invoke(prototype: object, member: string, receiver: unknown, args: unknown[]): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, member);
  const fn: unknown = descriptor?.get ?? descriptor?.value;
  if (typeof fn !== "function") throw new Error(`no member ${member}`);
  return Reflect.apply(fn, receiver, args);
}

const foreign: readonly [string, unknown][] = [
  ["undefined", undefined],
  ["null", null],
  ["a number", 7],
  ["a string", "text"],
  ["a plain object", {}],
  ["a function", () => 1],
  ["an array", []],
  ["a typed array", new Float32Array(4)],
  ["an object with our prototype", Object.create(FfiObject.prototype)],
  ["a proxy of ours", new Proxy(Tensor.empty([1], "int8"), {})],
  ["the prototype itself", Tensor.prototype],
];

describe.each(MEMBERS)("%s.prototype %#", (_class, prototype, member, args) => {
  it.each(foreign)(`.${member} borrowed onto %s throws`, (_name, receiver) => {
    expect(() => invoke(prototype, member, receiver, args)).toThrow(
      expect.objectContaining({
        code: "ERR_INVALID_ARGUMENT",
        message: expect.stringMatching(/Illegal invocation/),
      }),
    );
  });
});

describe("a member of a derived class on an object of another class throws", () => {
  const values: [string, FfiObject][] = [
    ["a function", globalFunction("ffi.Array")],
    ["a tensor", Tensor.empty([1], "int8")],
    ["a module", globalFunction("ffi.SystemLib").call() as FfiModule],
  ];
  const derived = MEMBERS.filter(([name]) => name !== "FfiObject");
  it.each(values)("%s", (_name, value) => {
    for (const [name, prototype, member, args] of derived) {
      if (value instanceof { FfiFunction, FfiModule, Tensor }[name as "Tensor"]) continue;
      expect(() => invoke(prototype, member, value, args), `${name}.${member}`).toThrow(/Illegal invocation/);
    }
  });

  it("a typed literal has no fields", () => {
    for (const literal of [dtype("int8"), device("cpu"), new FfiFloat(1)]) {
      expect(() => invoke(FfiObject.prototype, "field", literal, ["x"])).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
      );
    }
  });
});

describe("after dispose()", () => {
  const make: Record<string, () => FfiObject> = {
    FfiObject: () => globalFunction("ffi.Array"),
    FfiFunction: () => globalFunction("ffi.Array"),
    FfiModule: () => globalFunction("ffi.SystemLib").call() as FfiModule,
    Tensor: () => Tensor.empty([2], "float32"),
  };
  it.each(MEMBERS)("%s %#: ERR_DISPOSED, or a harmless answer", (name, prototype, member, args) => {
    const object = make[name]?.();
    object?.dispose();
    if (member === "dispose") expect(invoke(prototype, member, object, args)).toBeUndefined();
    else if (member === "disposed") expect(invoke(prototype, member, object, args)).toBe(true);
    else
      expect(() => invoke(prototype, member, object, args), member).toThrow(
        expect.objectContaining({ code: "ERR_DISPOSED" }),
      );
  });

  it("an argument that was disposed is refused", () => {
    const tensor = Tensor.empty([2], "float32");
    tensor.dispose();
    expect(() => globalFunction("ffi.Array").call(1, [tensor])).toThrow(
      expect.objectContaining({ code: "ERR_DISPOSED" }),
    );
  });
});

describe("wrong arguments", () => {
  const tensor = Tensor.empty([1], "int8");
  it.each<[string, () => unknown]>([
    ["field()", () => Reflect.apply(tensor.field, tensor, [])],
    ["field(3)", () => Reflect.apply(tensor.field, tensor, [3])],
    ["field of no such name", () => tensor.field("nothing")],
    [
      "getFunction(3)",
      () => invoke(FfiModule.prototype, "getFunction", globalFunction("ffi.SystemLib").call(), [3]),
    ],
    ["Tensor.empty()", () => Reflect.apply(Tensor.empty, Tensor, [])],
    ["Tensor.from({})", () => Reflect.apply(Tensor.from, Tensor, [{}, [1]])],
    ["shape('x')", () => Reflect.apply(shape, undefined, ["x"])],
    ["new FfiFloat('x')", () => Reflect.construct(FfiFloat, ["x"])],
    ["new FfiObject()", () => Reflect.construct(FfiObject as unknown as new () => unknown, [])],
    ["new Tensor()", () => Reflect.construct(Tensor as unknown as new () => unknown, [])],
    ["a subclass of Tensor", () => new (class extends (Tensor as unknown as new () => object) {})()],
  ])("%s is a clear error", (_name, run) => {
    expect(run).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  });
});

describe("in a worker", () => {
  it("every class and method works, and misuse throws there too", async () => {
    const worker = startWorker(`
      const t = native.Tensor.from(Float32Array.of(1, 2), [2]);
      let borrowed = "nothing";
      try { native.FfiObject.prototype.field.call({}, "x"); } catch (error) { borrowed = error.code; }
      t.dispose();
      let disposed = "nothing";
      try { t.view(); } catch (error) { disposed = error.code; }
      parentPort.postMessage({ borrowed, disposed, sum: call("ffi.Array", 1, 2) });
    `);
    expect(await firstMessage(worker)).toEqual({
      borrowed: "ERR_INVALID_ARGUMENT",
      disposed: "ERR_DISPOSED",
      sum: [1, 2],
    });
  });

  it("a handle does not pass to another thread", () => {
    expect(() => structuredClone(Tensor.empty([1], "int8")).view()).toThrow();
  });
});
