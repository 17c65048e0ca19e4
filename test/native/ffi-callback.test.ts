import { afterEach, describe, expect, it } from "vitest";
import { MlcError } from "../../lib/errors.js";
import {
  type FfiCallback,
  FfiFunction,
  FfiObject,
  getGlobalFunction,
  registerGlobalFunction,
} from "../../lib/ffi/index.js";
import { collectGarbage } from "../support/collect-garbage.js";
import { globalFunction } from "../support/global-function.js";

const remove = globalFunction("ffi.FunctionRemoveGlobal");
const registered: string[] = [];

/** Registers `fn` for one test and returns it as TVM sees it. */
function tvmFunction(name: string, fn: FfiCallback) {
  registerGlobalFunction(name, fn, true);
  registered.push(name);
  return globalFunction(name);
}

afterEach(() => {
  for (const name of registered.splice(0)) remove.call(name);
});

describe("a JavaScript function in TVM", () => {
  it("gets converted arguments and returns a converted value", () => {
    const seen: unknown[] = [];
    const fn = tvmFunction("test.record", (...args) => {
      seen.push(...args);
      return { sum: args.length };
    });
    expect(fn.call(1, "two", [3], null)).toEqual(new Map([["sum", 4]]));
    expect(seen).toEqual([1, "two", [3], null]);
  });

  it("returns None without a return value", () => {
    expect(tvmFunction("test.nothing", () => {}).call()).toBeNull();
  });

  it("can call TVM, which calls it again", () => {
    const fn = tvmFunction("test.countdown", (n: number): number =>
      n === 0 ? 0 : 1 + Number(fn.call(n - 1)),
    );
    expect(fn.call(40)).toBe(40);
  });

  it("can be passed as an argument and called back", () => {
    const apply = tvmFunction("test.apply", (f: FfiFunction, value: number) => f.call(value, 10));
    expect(apply.call((a: number, b: number) => a * b, 4)).toBe(40);
  });

  it("takes many arguments", () => {
    const sum = tvmFunction("test.sum", (...values) => values.reduce<number>((a, b) => a + Number(b), 0));
    expect(sum.call(...Array.from({ length: 100 }, (_, i) => i))).toBe(4950);
  });

  it("may dispose what it was called through", () => {
    const fn = tvmFunction("test.suicide", () => {
      fn.dispose();
      return "survived";
    });
    expect(fn.call()).toBe("survived");
    expect(() => fn.call()).toThrow(expect.objectContaining({ code: "ERR_DISPOSED" }));
  });

  it("is refused under a taken name without override", () => {
    tvmFunction("test.taken", () => 1);
    expect(() => registerGlobalFunction("test.taken", () => 2)).toThrow(
      expect.objectContaining({ code: "ERR_NATIVE" }),
    );
    expect(globalFunction("test.taken").call()).toBe(1);
  });

  it("registers an FfiFunction under a second name", () => {
    registerGlobalFunction("test.alias", globalFunction("ffi.Array"), true);
    registered.push("test.alias");
    expect(globalFunction("test.alias").call(1)).toEqual([1]);
  });
});

describe("exceptions of callbacks", () => {
  it.each<[string, unknown]>([
    ["an Error", new TypeError("wrong")],
    ["an MlcError", new MlcError("ERR_ABORTED", "stopped")],
    ["a string", "just text"],
    ["undefined", undefined],
    [
      "an object that cannot be printed",
      {
        toString: () => {
          throw new Error("no");
        },
      },
    ],
    ["an object without prototype", Object.create(null)],
  ])("%s comes back as the very same value", (_name, thrown) => {
    const fn = tvmFunction("test.thrower", () => {
      throw thrown;
    });
    let caught: unknown = "nothing";
    try {
      fn.call();
    } catch (error) {
      caught = error;
    }
    expect(caught).toBe(thrown);
  });

  it("travels through nested calls", () => {
    const error = new RangeError("deep");
    const inner = tvmFunction("test.inner", () => {
      throw error;
    });
    const outer = tvmFunction("test.outer", () => inner.call());
    expect(() => outer.call()).toThrow(error);
  });

  it("a result that TVM cannot take is an error of the call", () => {
    const fn = tvmFunction("test.promise", (() => Promise.resolve(1)) as unknown as FfiCallback);
    expect(() => fn.call()).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  });
});

describe("lifetime of callbacks", () => {
  it("a dropped callback is collected", async () => {
    let collected = 0;
    const registry = new FinalizationRegistry(() => collected++);
    const make = () => {
      const fn = () => 1;
      registry.register(fn, null);
      registerGlobalFunction("test.short_lived", fn, true);
    };
    make();
    await collectGarbage(() => collected > 0, 5);
    expect(collected, "while TVM holds it").toBe(0);
    remove.call("test.short_lived");
    await collectGarbage(() => collected > 0);
    expect(collected).toBe(1);
  });

  it("a callback stays alive as long as a TVM container holds it", async () => {
    const wrapped = globalFunction("ffi.Array").call(() => "alive");
    await collectGarbage(() => false, 5);
    const fn = Array.isArray(wrapped) ? wrapped[0] : undefined;
    expect(fn).toBeInstanceOf(FfiFunction);
    expect(fn instanceof FfiFunction && fn.call()).toBe("alive");
  });

  it("objects given to a callback outlive the call", () => {
    let kept: unknown;
    const keep = tvmFunction("test.keep", (value) => {
      kept = value;
    });
    keep.call(getGlobalFunction("ffi.Array"));
    expect(kept instanceof FfiObject && kept.typeKey).toBe("ffi.Function");
  });
});
