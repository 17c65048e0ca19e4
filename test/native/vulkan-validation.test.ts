// The Vulkan runtime under Khronos' validation layer, where that is installed (Debian: vulkan-validationlayers): it must have
// nothing to say of copies, kernels, freed memory and threads, of the order of commands neither.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { linkLibrary } from "../../lib/compiler/codegen/linker.js";
import { resolveTarget } from "../../lib/compiler/codegen/target.js";
import { Buffer as TirBuffer } from "../../lib/compiler/ir/buffer.js";
import { variable } from "../../lib/compiler/ir/prim-expr.js";
import { compilerLibraryPath, loadCompilerLibrary } from "../../lib/ffi/index.js";
import { buildForDevice, elementwise } from "../support/device-kernel.js";
import { runChild } from "../support/native-child.js";
import {
  canCompileWgsl,
  hasValidationLayer,
  VALIDATION,
  VULKAN_TARGET,
  vulkanDevices,
} from "../support/vulkan-device.js";
import { kernelSource, moduleBytes } from "../support/vulkan-module.js";

const [first] = vulkanDevices();
const features = first?.features;
const runnable =
  hasValidationLayer() && first !== undefined && canCompileWgsl() && existsSync(compilerLibraryPath());

describe.skipIf(!runnable)("validation", () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    loadCompilerLibrary();
    folder = mkdtempSync(path.join(tmpdir(), "node-mlc-vulkan-"));
    file = path.join(folder, "library.so");
    const n = variable("n");
    const [x, y, out] = ["x", "y", "out"].map((name) => new TirBuffer(name, [n], "float32"));
    if (x === undefined || y === undefined || out === undefined) throw new Error("three buffers");
    const sum = elementwise([x, y, out], n, (block, i) => block.store(out, x.load(i).add(y.load(i)), i));
    const [half, wide] = [new TirBuffer("half", [n], "float16"), new TirBuffer("wide", [n], "float32")];
    const widen = elementwise([half, wide], n, (block, i) =>
      block.store(wide, half.load(i).add(half.load(i)).cast("float32"), i),
    );
    const kernels = features?.fp16 ? { sum, widen } : { sum };
    await linkLibrary(buildForDevice(kernels, VULKAN_TARGET), resolveTarget("cpu"), file);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("sees a mistake: a kernel whose arguments are not those it was declared with", async () => {
    const wrong = kernelSource("other[i] = i;").replace(
      "var<workgroup>",
      "@group(0) @binding(5) var<storage, read_write> other : array<u32>;\nvar<workgroup>",
    );
    const child = await runChild(
      `
      native.loadDeviceRuntime("vulkan");
      const bytes = Buffer.from("${moduleBytes(wrong).toString("hex")}", "hex");
      try { call("ffi.Module.load_from_bytes.webgpu", bytes).getFunction("nothing").call(1, 64); } catch {}
    `,
      { env: VALIDATION },
    );
    expect(child.stdout + child.stderr).toMatch(/VUID-VkComputePipelineCreateInfo-layout/);
  });

  it.each(["", "VK_KHR_push_descriptor"])("has nothing to say, without %j", async (off) => {
    const child = await runChild(
      `
      native.loadDeviceRuntime("vulkan");
      call("node_mlc.vulkan.set_program_cache", ${JSON.stringify(folder)}, true);
      const library = native.FfiModule.loadFromFile(${JSON.stringify(file)});
      const sum = library.getFunction("sum");
      const copy = native.bindGlobalFunction("runtime.TVMTensorCopyFromTo");
      const device = { type: "webgpu", index: 0 };
      const on = (n, value) => {
        const tensor = native.Tensor.empty([n], "float32", device);
        copy(native.Tensor.from(new Float32Array(n).fill(value), [n]), tensor);
        return tensor;
      };
      let [one, total] = [on(20000, 1), on(20000, 0)];
      for (let round = 0; round < 500; round++) {
        const next = native.Tensor.empty([20000], "float32", device);
        sum.call(total, one, next);
        total.dispose();
        total = next;
        if (round % 50 === 0) copy(total, on(20000, 0));
      }
      const host = native.Tensor.empty([20000], "float32");
      copy(total, host);
      console.log("total", host.view().every((value) => value === 500));
      // Through the staging ring, several times round, and back; blocks of their own that go again.
      for (let round = 0; round < 4; round++) {
        const large = on(7 * 2 ** 20 + 1, round);
        const back = native.Tensor.empty([7 * 2 ** 20 + 1], "float32");
        copy(large, back);
        console.log("large", back.view().every((value) => value === round));
        large.dispose();
      }
      if (${features?.fp16}) {
        const half = native.Tensor.empty([1000], "float16", device);
        copy(native.Tensor.from(new Uint16Array(1000).fill(0x3c00), [1000], "float16"), half);
        const wide = on(1000, 0);
        library.getFunction("widen").call(half, wide);
        const doubled = native.Tensor.empty([1000], "float32");
        copy(wide, doubled);
        console.log("half", doubled.view().every((value) => value === 2));
      } else console.log("half true");
      library.dispose();
    `,
      { env: { ...VALIDATION, NODE_MLC_VULKAN_DISABLE: off }, timeoutMs: 120_000 },
    );
    expect(child).toMatchObject({
      exitCode: 0,
      stdout: `total true\n${"large true\n".repeat(4)}half true\n`,
      stderr: "",
    });
  });
});
