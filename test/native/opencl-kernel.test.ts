// The OpenCL runtime: compiled kernels, from several threads and from a linked library.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { linkLibrary } from "../../lib/compiler/codegen/linker.js";
import { resolveTarget } from "../../lib/compiler/codegen/target.js";
import { Buffer } from "../../lib/compiler/ir/buffer.js";
import { variable } from "../../lib/compiler/ir/prim-expr.js";
import {
  compilerLibraryPath,
  type FfiModule,
  loadCompilerLibrary,
  programCounts,
  registerGlobalFunction,
  setProgramCache,
  Tensor,
} from "../../lib/ffi/index.js";
import { buildForDevice, elementwise, viewParameter } from "../support/device-kernel.js";
import { fromDevice, part } from "../support/device-tensor.js";
import { globalFunction } from "../support/global-function.js";
import { firstMessage, runChild, startWorker } from "../support/native-child.js";
import { onDevice, opencl, openclDevices } from "../support/opencl-device.js";

const TARGET = { kind: "opencl", max_num_threads: 256 };
const runnable = openclDevices().length > 0 && existsSync(compilerLibraryPath());

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
  return buildForDevice({ scaled, product }, TARGET);
}

const counting = (n: number, step: number, first = 0) =>
  Float32Array.from({ length: n }, (_, i) => step * i + first);

describe.skipIf(!runnable)("kernels", () => {
  let library: FfiModule;
  beforeAll(() => {
    loadCompilerLibrary();
    setProgramCache("opencl", false);
    library = buildLibrary();
  });

  it.each([1, 63, 64, 1000])("compute on vectors of %i", (n) => {
    const [x, y] = [onDevice(counting(n, 1)), onDevice(counting(n, 2, 1))];
    const out = Tensor.empty([n], "float32", opencl());
    const scaled = library.getFunction("scaled");
    scaled.call(x, y, 0.5, out);
    expect(fromDevice(out)).toEqual(counting(n, 2.5, 1));
    // Each takes the result of the one before it, with no wait between them.
    for (let round = 0; round < 20; round++) {
      scaled.call(out, x, 1, y);
      scaled.call(y, x, 1, out);
    }
    expect(fromDevice(out)).toEqual(counting(n, 42.5, 1));
  });

  it("see uploads and launches in the order of the calls", () => {
    const n = 64;
    const [x, one, out] = [
      onDevice(counting(n, 0, 1)),
      onDevice(counting(n, 0, 1)),
      onDevice(counting(n, 0)),
    ];
    const results: Tensor[] = [];
    for (let round = 0; round < 20; round++) {
      const result = Tensor.empty([n], "float32", opencl());
      globalFunction("runtime.TVMTensorCopyFromTo").call(Tensor.from(counting(n, 1, round), [n]), x);
      library.getFunction("product").call(x, one, out);
      globalFunction("runtime.TVMTensorCopyFromTo").call(out, result);
      results.push(result);
    }
    for (const [round, result] of results.entries())
      expect(fromDevice(result)).toEqual(counting(n, 1, round));
  });

  it("take views that begin within a tensor's memory, where they say so", () => {
    const n = variable("n");
    const [x, out] = [viewParameter("x", n), viewParameter("out", n)];
    const doubled = elementwise([x, out], n, (block, i) => block.store(out, x.load(i).mul(2), i));
    const views = buildForDevice({ doubled }, TARGET).getFunction("doubled");
    const [from, to] = [onDevice(counting(20, 1)), onDevice(counting(20, 0))];
    views.call(part(from, 5, 3), part(to, 10, 3));
    const expected = counting(20, 0);
    expected.set([10, 12, 14], 10);
    expect(fromDevice(to)).toEqual(expected);
    expect(() =>
      library.getFunction("product").call(part(from, 5, 3), part(from, 5, 3), part(to, 5, 3)),
    ).toThrow(/byte_offset|offset/);
  });

  it("of a module share one program", () => {
    const before = programCounts("opencl").built;
    const fresh = buildLibrary();
    const [x, y, out] = [onDevice([3]), onDevice([5]), onDevice([0])];
    fresh.getFunction("product").call(x, y, out);
    const result = onDevice([0]);
    fresh.getFunction("scaled").call(out, x, 2, result);
    expect(fromDevice(result)).toEqual(Float32Array.of(33));
    expect(programCounts("opencl").built - before).toBe(1);
  });

  it("refuse tensors of another device, type or length", () => {
    const [x, out] = [onDevice([3]), onDevice([0])];
    const product = library.getFunction("product");
    expect(() => product.call(x, Tensor.from(Float32Array.of(5), [1]), out)).toThrow(/device/);
    expect(() => product.call(x, Tensor.empty([1], "int32", opencl()), out)).toThrow(/dtype/);
    expect(() => product.call(x, onDevice([1, 2]), out)).toThrow(/shape/);
  });

  it("run in several threads at a time", async () => {
    registerGlobalFunction("test.opencl_scaled", library.getFunction("scaled"));
    const script = `
      const device = { type: "opencl", index: 0 };
      const copy = native.bindGlobalFunction("runtime.TVMTensorCopyFromTo");
      const scaled = native.getGlobalFunction("test.opencl_scaled");
      const n = 640;
      const upload = (value) => {
        const tensor = native.Tensor.empty([n], "float32", device);
        copy(native.Tensor.from(new Float32Array(n).fill(value), [n]), tensor);
        return tensor;
      };
      const host = native.Tensor.empty([n], "float32");
      const [x, sums] = [upload(workerData), [upload(0), upload(0)]];
      let wrong = 0;
      for (let round = 1; round <= 200; round++) {
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
    globalFunction("ffi.FunctionRemoveGlobal").call("test.opencl_scaled");
  });

  it("are read from a linked library, in a process without the compiler", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "node-mlc-opencl-"));
    const file = path.join(folder, "library.so");
    await linkLibrary(library, resolveTarget("cpu"), file);
    const child = await runChild(`
      native.loadDeviceRuntime("opencl");
      const library = native.FfiModule.loadFromFile(${JSON.stringify(file)});
      const copy = native.bindGlobalFunction("runtime.TVMTensorCopyFromTo");
      const on = (...values) => {
        const tensor = native.Tensor.empty([values.length], "float32", { type: "opencl", index: 0 });
        copy(native.Tensor.from(Float32Array.from(values), [values.length]), tensor);
        return tensor;
      };
      const out = on(0, 0);
      library.getFunction("product").call(on(2, 3), on(5, 7), out);
      const host = native.Tensor.empty([2], "float32");
      copy(out, host);
      console.log(host.view().join(" "));
    `);
    rmSync(folder, { recursive: true });
    expect(child).toMatchObject({ exitCode: 0, stdout: "10 21\n" });
  });
});
