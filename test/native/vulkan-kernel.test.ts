// The Vulkan runtime: kernels, from TIR through WGSL and SPIR-V to the device.
import { existsSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { Buffer } from "../../lib/compiler/ir/buffer.js";
import { variable } from "../../lib/compiler/ir/prim-expr.js";
import { compilerLibraryPath, type FfiModule, loadCompilerLibrary, Tensor } from "../../lib/ffi/index.js";
import { buildForDevice, elementwise } from "../support/device-kernel.js";
import { fromDevice } from "../support/device-tensor.js";
import { canCompileWgsl, onVulkan, VULKAN_TARGET, vulkan, vulkanDevices } from "../support/vulkan-device.js";

const compiles = canCompileWgsl() && existsSync(compilerLibraryPath());
const runnable = vulkanDevices().length > 0 && compiles;

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
    library = buildLibrary();
  });

  it.each([1, 63, 64, 1000])("compute on vectors of %i", (n) => {
    const [x, y] = [onVulkan(counting(n, 1)), onVulkan(counting(n, 2, 1))];
    const out = Tensor.empty([n], "float32", vulkan());
    const scaled = library.getFunction("scaled");
    scaled.call(x, y, 0.5, out);
    expect(fromDevice(out)).toEqual(counting(n, 2.5, 1));
    // Each takes the result of the one before it, with no wait between them: more than the ring of command buffers holds.
    for (let round = 0; round < 300; round++) {
      scaled.call(out, x, 1, y);
      scaled.call(y, x, 1, out);
    }
    expect(fromDevice(out)).toEqual(counting(n, 602.5, 1));
  });
});
