// The Vulkan runtime: kernels, from TIR through WGSL and SPIR-V to the device.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { linkLibrary } from "../../lib/compiler/codegen/linker.js";
import { resolveTarget } from "../../lib/compiler/codegen/target.js";
import { Buffer } from "../../lib/compiler/ir/buffer.js";
import { variable } from "../../lib/compiler/ir/prim-expr.js";
import { llvmFunction } from "../../lib/compiler/ir/vector.js";
import {
  compilerLibraryPath,
  type FfiModule,
  loadCompilerLibrary,
  registerGlobalFunction,
  setProgramCache,
  Tensor,
} from "../../lib/ffi/index.js";
import { buildForDevice, elementwise, viewParameter } from "../support/device-kernel.js";
import { copy, fromDevice, part } from "../support/device-tensor.js";
import { globalFunction } from "../support/global-function.js";
import { firstMessage, runChild, startWorker } from "../support/native-child.js";
import { canCompileWgsl, onVulkan, VULKAN_TARGET, vulkan, vulkanDevices } from "../support/vulkan-device.js";

const [first] = vulkanDevices();
const runnable = first !== undefined && canCompileWgsl() && existsSync(compilerLibraryPath());

/** `scaled: out = x * scale + y` and `product: out = x * y`, over vectors of any length. */
function buildLibrary(): FfiModule {
  const n = variable("n");
  const vector = (name: string) => new Buffer(name, [n], "float32");
  const [x, y, out] = [vector("x"), vector("y"), vector("out")];
  const scale = variable("scale", "float32");
  const scaled = elementwise([x, y, scale, out], n, (block, i) =>
    block.store(out, x.load(i).mul(scale).add(y.load(i)), i),
  );
  const product = elementwise([x, y, out], n, (block, i) => block.store(out, x.load(i).mul(y.load(i)), i));
  return buildForDevice({ scaled, product }, VULKAN_TARGET);
}

const counting = (n: number, step: number, first = 0) =>
  Float32Array.from({ length: n }, (_, i) => step * i + first);

describe.skipIf(!runnable)("kernels", () => {
  let library: FfiModule;
  beforeAll(() => {
    loadCompilerLibrary();
    setProgramCache("vulkan", false);
    library = buildLibrary();
  });

  it.each([1, 63, 64, 1000])("compute on vectors of %i", (n) => {
    const [x, y] = [onVulkan(counting(n, 1)), onVulkan(counting(n, 2, 1))];
    const out = Tensor.empty([n], "float32", vulkan());
    const scaled = library.getFunction("scaled");
    scaled.call(x, y, 0.5, out);
    expect(fromDevice(out)).toEqual(counting(n, 2.5, 1));
    // Each takes the result of the one before it, with no wait between them: many times what the command buffers hold.
    for (let round = 0; round < 1000; round++) {
      scaled.call(out, x, 1, y);
      scaled.call(y, x, 1, out);
    }
    expect(fromDevice(out)).toEqual(counting(n, 2002.5, 1));
  });

  it("see uploads and launches in the order of the calls", () => {
    const n = 64;
    const [x, one, out] = [
      onVulkan(counting(n, 0, 1)),
      onVulkan(counting(n, 0, 1)),
      onVulkan(counting(n, 0)),
    ];
    const results: Tensor[] = [];
    for (let round = 0; round < 100; round++) {
      const result = Tensor.empty([n], "float32", vulkan());
      copy(Tensor.from(counting(n, 1, round), [n]), x);
      library.getFunction("product").call(x, one, out);
      copy(out, result);
      results.push(result);
    }
    for (const [round, result] of results.entries())
      expect(fromDevice(result)).toEqual(counting(n, 1, round));
  });

  it("may use memory again that was freed while earlier ones still ran", () => {
    const n = 5000;
    const [x, zero] = [onVulkan(counting(n, 1)), onVulkan(counting(n, 0))];
    const results: Tensor[] = [];
    for (let round = 0; round < 200; round++) {
      const temporary = Tensor.empty([n], "float32", vulkan());
      const result = Tensor.empty([n], "float32", vulkan());
      library.getFunction("scaled").call(x, zero, round, temporary);
      library.getFunction("scaled").call(temporary, zero, 1, result);
      temporary.dispose();
      results.push(result);
    }
    for (const [round, result] of results.entries()) expect(fromDevice(result)).toEqual(counting(n, round));
  });

  it("of more groups than a device has along one axis reach every element", () => {
    const n = 64 * 65536 + 77;
    const [x, y] = [onVulkan(counting(n, 1)), onVulkan(counting(n, 0, 2))];
    const out = Tensor.empty([n], "float32", vulkan());
    library.getFunction("scaled").call(x, y, 0.5, out);
    const result = fromDevice(out);
    expect(result.findIndex((value, i) => value !== Math.fround(i / 2 + 2))).toBe(-1);
  });

  it("take scalars of each type", () => {
    const out = new Buffer("out", [4], "float32");
    const scalars = [variable("a", "int32"), variable("b", "float32"), variable("c", "int32")] as const;
    const [a, b, c] = scalars;
    const scalar = elementwise([...scalars, out], 4, (block, i) =>
      block.store(
        out,
        a
          .cast("float32")
          .mul(b)
          .add(c.add(i.cast("int32")).cast("float32")),
        i,
      ),
    );
    const tensor = Tensor.empty([4], "float32", vulkan());
    const compiled = buildForDevice({ scalar }, VULKAN_TARGET).getFunction("scalar");
    compiled.call(-3, 0.25, 1000, tensor);
    expect(fromDevice(tensor)).toEqual(Float32Array.of(999.25, 1000.25, 1001.25, 1002.25));
    compiled.call(2 ** 31 - 1, -1, 0, tensor);
    expect(fromDevice(tensor)[0]).toBe(-(2 ** 31));
  });

  it.skipIf(!first?.features.fp16)("compute with 16-bit floats", () => {
    const n = 100;
    const [x, out] = [new Buffer("x", [n], "float16"), new Buffer("out", [n], "float32")];
    const widened = elementwise([x, out], n, (block, i) =>
      block.store(out, x.load(i).mul(x.load(i)).cast("float32"), i),
    );
    const half = Tensor.empty([n], "float16", vulkan());
    // 1.5 is 0x3e00.
    const bits = Tensor.from(new Uint16Array(n).fill(0x3e00), [n], "float16");
    copy(bits, half);
    const result = Tensor.empty([n], "float32", vulkan());
    buildForDevice({ widened }, VULKAN_TARGET).getFunction("widened").call(half, result);
    expect(fromDevice(result)).toEqual(new Float32Array(n).fill(2.25));
  });

  it.skipIf(!first?.features.integerDotProduct)("multiply packed integers", () => {
    const n = 64;
    const [x, y] = [new Buffer("x", [n], "uint32"), new Buffer("y", [n], "uint32")];
    const out = new Buffer("out", [n], "float32");
    const dot = elementwise([x, y, out], n, (block, i) => {
      const product = llvmFunction("dot4I8Packed", "int32", [x.load(i), y.load(i)]);
      block.store(out, product.cast("float32"), i);
    });
    const bytes = (seed: number) => Int8Array.from({ length: 4 * n }, (_, i) => (i * seed) % 256);
    const on = (values: Int8Array) => {
      const tensor = Tensor.empty([n], "uint32", vulkan());
      copy(Tensor.from(new Uint32Array(values.buffer), [n]), tensor);
      return tensor;
    };
    const [a, b] = [bytes(37), bytes(91)];
    const result = Tensor.empty([n], "float32", vulkan());
    buildForDevice({ dot }, VULKAN_TARGET).getFunction("dot").call(on(a), on(b), result);
    const expected = Float32Array.from({ length: n }, (_, i) =>
      [0, 1, 2, 3].reduce((sum, j) => sum + (a[4 * i + j] ?? 0) * (b[4 * i + j] ?? 0), 0),
    );
    expect(fromDevice(result)).toEqual(expected);
  });

  it("take views that begin within a tensor's memory, where they say so", () => {
    const n = variable("n");
    const [x, out] = [viewParameter("x", n), viewParameter("out", n)];
    const doubled = elementwise([x, out], n, (block, i) => block.store(out, x.load(i).mul(2), i));
    const views = buildForDevice({ doubled }, VULKAN_TARGET).getFunction("doubled");
    const [from, to] = [onVulkan(counting(20, 1)), onVulkan(counting(20, 0))];
    views.call(part(from, 5, 3), part(to, 10, 3));
    const expected = counting(20, 0);
    expected.set([10, 12, 14], 10);
    expect(fromDevice(to)).toEqual(expected);
    expect(() =>
      library.getFunction("product").call(part(from, 5, 3), part(from, 5, 3), part(to, 5, 3)),
    ).toThrow(/byte_offset|offset/);
  });

  it("refuse tensors of another device, type or length", () => {
    const [x, out] = [onVulkan([3]), onVulkan([0])];
    const product = library.getFunction("product");
    expect(() => product.call(x, Tensor.from(Float32Array.of(5), [1]), out)).toThrow(/device/);
    expect(() => product.call(x, Tensor.empty([1], "int32", vulkan()), out)).toThrow(/dtype/);
    expect(() => product.call(x, onVulkan([1, 2]), out)).toThrow(/shape/);
  });

  it("run in several threads at a time", async () => {
    registerGlobalFunction("test.vulkan_scaled", library.getFunction("scaled"));
    const script = `
      const device = { type: "webgpu", index: 0 };
      const copy = native.bindGlobalFunction("runtime.TVMTensorCopyFromTo");
      const scaled = native.getGlobalFunction("test.vulkan_scaled");
      const n = 640;
      const upload = (value) => {
        const tensor = native.Tensor.empty([n], "float32", device);
        copy(native.Tensor.from(new Float32Array(n).fill(value), [n]), tensor);
        return tensor;
      };
      const host = native.Tensor.empty([n], "float32");
      const [x, sums] = [upload(workerData), [upload(0), upload(0)]];
      let wrong = 0;
      for (let round = 1; round <= 500; round++) {
        scaled.call(x, sums[1 - (round & 1)], 1, sums[round & 1]);
        if (round % 10 !== 0) continue;
        copy(sums[round & 1], host);
        if (host.view().some((value) => value !== workerData * round)) wrong++;
      }
      parentPort.postMessage(wrong);
    `;
    const workers = [1, 2, 3].map((value) => startWorker(script, value));
    expect(await Promise.all(workers.map(firstMessage))).toEqual([0, 0, 0]);
    await Promise.all(workers.map((worker) => worker.terminate()));
    globalFunction("ffi.FunctionRemoveGlobal").call("test.vulkan_scaled");
  });

  it("are SPIR-V in a linked library, which runs without any compiler, pushing descriptors or not", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "node-mlc-vulkan-"));
    const file = path.join(folder, "library.so");
    await linkLibrary(library, resolveTarget("cpu"), file);
    const bytes = readFileSync(file);
    expect(bytes.includes("@compute")).toBe(false);
    expect(bytes.includes("\x03\x02\x23\x07", 0, "latin1")).toBe(true);
    const script = `
      native.loadDeviceRuntime("vulkan");
      const library = native.FfiModule.loadFromFile(${JSON.stringify(file)});
      const copy = native.bindGlobalFunction("runtime.TVMTensorCopyFromTo");
      const on = (...values) => {
        const tensor = native.Tensor.empty([values.length], "float32", { type: "webgpu", index: 0 });
        copy(native.Tensor.from(Float32Array.from(values), [values.length]), tensor);
        return tensor;
      };
      const out = on(0, 0);
      const product = library.getFunction("product");
      const [one, x] = [on(1, 1), on(2, 3)];
      product.call(x, on(5, 7), out);
      // More sets than a pool of descriptors holds.
      for (let round = 0; round < 700; round++) product.call(out, one, out);
      const host = native.Tensor.empty([2], "float32");
      copy(out, host);
      console.log(host.view().join(" "));
    `;
    for (const off of ["", "VK_KHR_push_descriptor,VK_EXT_memory_budget"]) {
      const child = await runChild(script, { env: { NODE_MLC_VULKAN_DISABLE: off } });
      expect(child).toMatchObject({ exitCode: 0, stdout: "10 21\n" });
    }
    rmSync(folder, { recursive: true });
  });
});
