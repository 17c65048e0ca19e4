import { describe, expect, it } from "vitest";
import { FfiFunction, type FfiValue, Tensor } from "../../lib/ffi/index.js";
import { collectGarbage } from "../support/collect-garbage.js";
import { globalFunction } from "../support/global-function.js";

/** Growth of resident memory in bytes over `rounds` repetitions, after a warm-up. */
async function growth(rounds: number, repeat: () => void): Promise<number> {
  for (let i = 0; i < rounds / 4; i++) repeat();
  await collectGarbage();
  const before = process.memoryUsage.rss();
  for (let i = 0; i < rounds; i++) {
    repeat();
    if (i % 2000 === 0) await collectGarbage(() => false, 2);
  }
  await collectGarbage();
  return process.memoryUsage.rss() - before;
}

describe("memory does not grow", () => {
  const array = globalFunction("ffi.Array");
  const limit = 24 << 20;

  it.each<[string, number, () => void]>([
    ["handles disposed by hand", 100_000, () => Tensor.empty([64], "float32").dispose()],
    ["handles left to the collector", 100_000, () => void Tensor.empty([64], "float32")],
    ["views", 20_000, () => void Tensor.empty([64], "float32").view()],
    [
      "containers and strings",
      100_000,
      () => void array.call(["a long enough string to be on the heap"], { a: [1] }),
    ],
    ["callbacks", 50_000, () => void array.call(() => 1)],
    ["bound lookups", 20_000, () => void globalFunction("ffi.GetGlobalFuncMetadata")],
  ])("%s", async (_name, rounds, repeat) => {
    expect(await growth(rounds, repeat)).toBeLessThan(limit);
  });

  it("errors, native and from callbacks", async () => {
    const get = globalFunction("ffi.ArrayGetItem");
    const [thrower] = array.call(() => {
      throw new Error("again");
    }) as FfiValue[];
    const repeat = () => {
      expect(() => get.call([], 1)).toThrow();
      if (thrower instanceof FfiFunction) expect(() => thrower.call()).toThrow("again");
    };
    expect(await growth(500, repeat)).toBeLessThan(limit);
  });
});

describe("the collector", () => {
  it("runs by itself when tensors pile up, because it knows their size", async () => {
    const bytes = 16 << 20;
    const source = Tensor.from(new Uint8Array(bytes).fill(1), [bytes]);
    const copy = globalFunction("runtime.TVMTensorCopyFromTo");
    const before = process.memoryUsage.rss();
    let highest = 0;
    for (let i = 0; i < 150; i++) {
      copy.call(source, Tensor.empty([bytes], "uint8")); // touches every page: 2.4 GiB in all
      await new Promise((resolve) => setImmediate(resolve));
      highest = Math.max(highest, process.memoryUsage.rss() - before);
    }
    expect(highest).toBeLessThan(1 << 30);
  });
});
