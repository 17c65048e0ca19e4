// The OpenCL runtime: memory, copies and kernels on the first device.
import { existsSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { Buffer } from "../../lib/compiler/ir/buffer.js";
import { variable } from "../../lib/compiler/ir/prim-expr.js";
import {
  compilerLibraryPath,
  device,
  type FfiModule,
  loadCompilerLibrary,
  Tensor,
} from "../../lib/ffi/index.js";
import { buildForDevice, elementwise } from "../support/device-kernel.js";
import { globalFunction } from "../support/global-function.js";
import { openclDevices } from "../support/opencl-device.js";

const opencl = () => device("opencl", 0);
describe.skipIf(openclDevices().length === 0 || !existsSync(compilerLibraryPath()))("a kernel", () => {
  let library: FfiModule;
  beforeAll(() => {
    loadCompilerLibrary();
    const n = variable("n");
    const [x, y, sum] = ["x", "y", "sum"].map((name) => new Buffer(name, [n], "float32"));
    const scale = variable("scale", "float32");
    if (!x || !y || !sum) throw new Error();
    library = buildForDevice(
      {
        scaled: elementwise([x, y, scale, sum], n, (block, i) =>
          block.store(sum, x.load(i).mul(scale).add(y.load(i)), i),
        ),
        product: elementwise([x, y, sum], n, (block, i) => block.store(sum, x.load(i).mul(y.load(i)), i)),
      },
      { kind: "opencl", max_num_threads: 256 },
    );
  });
  it("runs", () => {
    const n = 1000;
    const on = (values: Float32Array) => {
      const t = Tensor.empty([n], "float32", opencl());
      globalFunction("runtime.TVMTensorCopyFromTo").call(Tensor.from(values, [n]), t);
      return t;
    };
    const x = on(Float32Array.from({ length: n }, (_, i) => i));
    const y = on(Float32Array.from({ length: n }, (_, i) => 2 * i));
    const out = Tensor.empty([n], "float32", opencl());
    library.getFunction("scaled").call(x, y, 0.5, out);
    const back = Tensor.empty([n], "float32");
    globalFunction("runtime.TVMTensorCopyFromTo").call(out, back);
    expect([...(back.view() as Float32Array)].slice(0, 4)).toEqual([0, 2.5, 5, 7.5]);
  });
});
