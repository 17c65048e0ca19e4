import { describe, expect, it } from "vitest";
import { nativePrelude, runChild } from "../support/native-child.js";

describe("the process ends cleanly", () => {
  it.each<[string, string, number]>([
    ["with nothing done", "", 0],
    [
      "with live handles",
      "globalThis.keep = [native.Tensor.empty([1024], 'int8'), native.getGlobalFunction('ffi.Array')];",
      0,
    ],
    ["with live views", "globalThis.keep = native.Tensor.empty([1 << 20], 'int8').view();", 0],
    ["with a mapped file", "globalThis.keep = native.mapFile(process.execPath);", 0],
    [
      "with registered callbacks",
      "native.registerGlobalFunction('exit.f', () => 1, true); call('exit.f');",
      0,
    ],
    [
      "in mid-callback",
      "native.registerGlobalFunction('exit.f', () => process.exit(7), true); call('exit.f');",
      7,
    ],
    [
      "in a callback two calls deep",
      "native.registerGlobalFunction('exit.g', () => process.exit(8), true);" +
        "native.registerGlobalFunction('exit.f', () => call('exit.g'), true); call('exit.f');",
      8,
    ],
    ["with an uncaught TVM error", "call('ffi.ArrayGetItem', [], 3);", 1],
    [
      "with an exception of a callback",
      "native.registerGlobalFunction('exit.f', () => { throw 1; }, true); call('exit.f');",
      1,
    ],
    [
      "while a worker works",
      `new (require("node:worker_threads").Worker)(${JSON.stringify(
        `${nativePrelude} for (;;) call("ffi.Array", native.Tensor.empty([8], "int8"));`,
      )}, { eval: true });
       setTimeout(() => process.exit(3), 300);`,
      3,
    ],
    [
      "with the compiler library loaded",
      "loadCompiler(); globalThis.keep = call('ir.IntImm', 'int64', 1, null);",
      0,
    ],
  ])("%s", async (_name, script, code) => {
    const result = await runChild(script);
    expect(result).toMatchObject({ exitCode: code, signal: null });
    expect(result.stderr).not.toMatch(/FATAL ERROR|Assertion|Segfault/i);
  });
});
