import { describe, expect, it } from "vitest";
import { device, shape, Tensor, type TypedArray } from "../../lib/ffi/index.js";
import { collectGarbage } from "../support/collect-garbage.js";
import { globalFunction } from "../support/global-function.js";

describe("Tensor.from", () => {
  it.each<[string, TypedArray]>([
    ["float32", Float32Array.of(1, -2.5, 3, 4)],
    ["float64", Float64Array.of(1, 2, 3, 4)],
    ["int8", Int8Array.of(-1, 2, 3, 4)],
    ["int16", Int16Array.of(-1, 2, 3, 4)],
    ["int32", Int32Array.of(-1, 2, 3, 4)],
    ["int64", BigInt64Array.of(-1n, 2n, 3n, 4n)],
    ["uint8", Uint8Array.of(255, 2, 3, 4)],
    ["uint16", Uint16Array.of(65535, 2, 3, 4)],
    ["uint32", Uint32Array.of(4294967295, 2, 3, 4)],
    ["uint64", BigUint64Array.of(2n ** 64n - 1n, 2n, 3n, 4n)],
  ])("copies %s", (dtype, values) => {
    const tensor = Tensor.from(values, [2, 2]);
    expect(tensor).toMatchObject({ shape: [2, 2], dtype, byteLength: values.byteLength });
    expect(tensor.device).toMatchObject({ type: "cpu", index: 0 });
    expect(tensor.view()).toEqual(values);
    values.fill(values[1] as never);
    expect(tensor.view()[0], "a copy does not follow its source").not.toEqual(values[0]);
  });

  it("takes the bits of half floats", () => {
    const tensor = Tensor.from(Uint16Array.of(0x3c00, 0x4000), [2], "float16");
    expect(tensor.dtype).toBe("float16");
    expect(tensor.view()).toEqual(Uint16Array.of(0x3c00, 0x4000));
    expect(tensor.bytes()).toEqual(Uint8Array.of(0x00, 0x3c, 0x00, 0x40));
  });

  it("takes raw bytes for any type", () => {
    expect(Tensor.from(new Uint8Array(8), [2], "float32").view()).toEqual(new Float32Array(2));
  });

  it("takes a scalar and an empty tensor", () => {
    expect(Tensor.from(Float32Array.of(7), []).view()).toEqual(Float32Array.of(7));
    const empty = Tensor.from(new Float32Array(0), [0, 5]);
    expect(empty.shape).toEqual([0, 5]);
    expect(empty.view()).toEqual(new Float32Array(0));
  });

  it.each<[string, () => unknown]>([
    ["too few elements", () => Tensor.from(new Float32Array(3), [2, 2])],
    ["too many elements", () => Tensor.from(new Float32Array(5), [2, 2])],
    ["no array", () => Tensor.from([1, 2] as unknown as Float32Array, [2])],
    ["a negative dimension", () => Tensor.from(new Float32Array(1), [-1, -1])],
    ["an overflowing shape", () => Tensor.empty([2 ** 40, 2 ** 40], "float32")],
    ["an unknown data type", () => Tensor.empty([1], "quux")],
  ])("refuses %s", (_name, make) => {
    expect(make).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  });

  it("reports memory that cannot be had", () => {
    expect(() => Tensor.empty([2 ** 46], "uint8")).toThrow();
  });

  it("is what TVM itself reads and writes", () => {
    for (let size = 1; size < 40; size++) {
      const tensor = Tensor.from(new Uint8Array(size).fill(size), [size]);
      const out = new Uint8Array(size);
      globalFunction("runtime.TVMTensorCopyToBytes").call(tensor, out, size);
      expect(out).toEqual(new Uint8Array(size).fill(size));
    }
  });
});

describe("views", () => {
  it("share memory with the tensor and each other", () => {
    const tensor = Tensor.empty([4], "int32", device("cpu"));
    const [first, second] = [tensor.view(), tensor.view()];
    first.fill(0 as never);
    first[2] = 5;
    expect(second[2]).toBe(5);
    expect(tensor.bytes()[8]).toBe(5);
  });

  it("keep the memory alive after dispose and collection", async () => {
    const make = () => {
      const tensor = Tensor.from(new Float32Array(1 << 16).fill(3), [1 << 16]);
      const view = tensor.view();
      tensor.dispose();
      return view;
    };
    const view = make();
    await collectGarbage();
    Tensor.from(new Float32Array(1 << 16).fill(9), [1 << 16]); // may reuse memory freed too early
    expect(view.every((value) => value === 3)).toBe(true);
  });

  it("a disposed tensor gives no view", () => {
    const tensor = Tensor.empty([4], "int32");
    tensor.dispose();
    tensor.dispose();
    expect(tensor.disposed).toBe(true);
    expect(() => tensor.view()).toThrow(expect.objectContaining({ code: "ERR_DISPOSED" }));
    expect(() => tensor.shape).toThrow(expect.objectContaining({ code: "ERR_DISPOSED" }));
  });

  it("`using` disposes", () => {
    let kept: Tensor;
    {
      using tensor = Tensor.empty([1], "int8");
      kept = tensor;
      expect(kept.disposed).toBe(false);
    }
    expect(kept.disposed).toBe(true);
  });

  it("a transferred or cloned view does not take the memory away", () => {
    const tensor = Tensor.from(Float32Array.of(1, 2), [2]);
    const view = tensor.view();
    expect(structuredClone(view)).toEqual(Float32Array.of(1, 2));
    try {
      structuredClone(view, { transfer: [view.buffer as ArrayBuffer] });
    } catch {
      // Node may refuse to transfer external memory; either way the tensor keeps its data.
    }
    expect(tensor.view()).toEqual(Float32Array.of(1, 2));
  });

  it("free their memory when collected", async () => {
    const before = process.memoryUsage.rss();
    for (let round = 0; round < 40; round++) {
      Tensor.from(new Uint8Array(16 << 20).fill(1), [16 << 20]).view(); // 640 MiB in all
      await collectGarbage(() => false, 1);
    }
    await collectGarbage();
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 << 20);
  });

  it("respect the byte offset of a tensor that is part of another", () => {
    const tensor = Tensor.from(Float32Array.of(1, 2, 3, 4), [2, 2]);
    const create = globalFunction("runtime.TVMTensorCreateView");
    const part = create.call(tensor, shape([2]), "float32", 8);
    expect(part instanceof Tensor && part.view()).toEqual(Float32Array.of(3, 4));
  });
});
