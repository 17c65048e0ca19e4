// The Vulkan runtime when a driver fails, by a loader that fails as it is told to (test/cpp/fake_vulkan).
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { linkLibrary } from "../../lib/compiler/codegen/linker.js";
import { resolveTarget } from "../../lib/compiler/codegen/target.js";
import { Buffer } from "../../lib/compiler/ir/buffer.js";
import { variable } from "../../lib/compiler/ir/prim-expr.js";
import { compilerLibraryPath, loadCompilerLibrary } from "../../lib/ffi/index.js";
import { packageRoot } from "../../lib/package-root.js";
import { buildForDevice, elementwise } from "../support/device-kernel.js";
import { type ChildResult, runChild } from "../support/native-child.js";
import { canCompileWgsl, VULKAN_TARGET, vulkanDevices } from "../support/vulkan-device.js";

const FOLDERS = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
const loader = FOLDERS.map((folder) => path.join(folder, "libvulkan.so.1")).find(existsSync);
if (loader === undefined) console.warn(`no libvulkan.so.1 in ${FOLDERS.join(", ")}, tests skipped`);
const runnable =
  loader !== undefined && vulkanDevices().length > 0 && canCompileWgsl() && existsSync(compilerLibraryPath());

const PRELUDE = `
  native.loadDeviceRuntime("vulkan");
  const on = (index) => ({ type: "webgpu", index });
  const copy = native.bindGlobalFunction("runtime.TVMTensorCopyFromTo");
  const upload = (values, index = 0) => {
    const tensor = native.Tensor.empty([values.length], "float32", on(index));
    copy(native.Tensor.from(Float32Array.from(values), [values.length]), tensor);
    return tensor;
  };
  const download = (tensor) => {
    const host = native.Tensor.empty(tensor.shape, "float32");
    copy(tensor, host);
    return [...host.view()].join(" ");
  };
  const megabytes = (count) => native.Tensor.empty([count * 2 ** 20], "uint8", on(0));
  const say = (action) => { try { console.log(action()); } catch (error) { console.log(error.code, error.message); } };
`;

describe.skipIf(!runnable)("a driver", () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    loadCompilerLibrary();
    folder = mkdtempSync(path.join(tmpdir(), "node-mlc-vulkan-"));
    file = path.join(folder, "library.so");
    const n = variable("n");
    const [x, out] = [new Buffer("x", [n], "float32"), new Buffer("out", [n], "float32")];
    const twice = elementwise([x, out], n, (block, i) => block.store(out, x.load(i).mul(2), i));
    await linkLibrary(buildForDevice({ twice }, VULKAN_TARGET), resolveTarget("cpu"), file);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The lines that the script says. */
  async function linesOf(faults: string, script: string): Promise<string[]> {
    const child: ChildResult = await runChild(
      `${PRELUDE}
      const twice = native.FfiModule.loadFromFile(${JSON.stringify(file)}).getFunction("twice");
      const sayDouble = () => say(() => {
        const [x, out] = [upload([1, 2, 3]), upload([0, 0, 0])];
        twice.call(x, out);
        return download(out);
      });
      ${script}`,
      {
        env: {
          LD_LIBRARY_PATH: path.join(packageRoot, "build", "fake-vulkan"),
          FAKE_VULKAN_REAL: loader ?? "",
          FAKE_VULKAN: faults,
        },
      },
    );
    expect(child).toMatchObject({ exitCode: 0, stderr: "" });
    return child.stdout.trimEnd().split("\n");
  }

  it("without faults is the system's", async () => {
    expect(await linesOf("", "sayDouble()")).toEqual(["2 4 6"]);
  });

  it("that loses its device says so each time, and nothing hangs or crashes", async () => {
    const lines = await linesOf(
      "lost=2",
      `
      const [x, out] = [upload([1, 2, 3]), upload([0, 0, 0])];
      sayDouble();
      say(() => download(out));
      say(() => { for (let i = 0; i < 1000; i++) twice.call(x, out); });
      say(() => native.bindGlobalFunction("runtime.Device_StreamSync")(on(0), 0));
      say(() => upload(new Float32Array(2 ** 20)));
      const before = megabytes(1);
      for (const tensor of [x, out, before]) tensor.dispose();
    `,
    );
    expect(lines[0]).toBe("2 4 6");
    expect(lines).toHaveLength(5);
    for (const line of lines.slice(1))
      expect(line).toMatch(
        /^ERR_DEVICE_LOST Expected Vulkan to .* VK_ERROR_DEVICE_LOST \(-4\).* end this process/,
      );
  });

  it("whose submission fails loses those commands, not the next ones", async () => {
    const lines = await linesOf("submit=2", "for (let i = 0; i < 3; i++) sayDouble();");
    expect(lines).toEqual([
      "2 4 6",
      expect.stringMatching(/^ERR_INSUFFICIENT_MEMORY .*submit commands.*VK_ERROR_OUT_OF_HOST_MEMORY/),
      "2 4 6",
    ]);
  });

  it("whose memory is full says how much is in use, and gives freed memory out again", async () => {
    const lines = await linesOf(
      "memory=350",
      `
      let kept = [];
      say(() => { for (;;) kept.push(megabytes(60)); });
      console.log(kept.length);
      for (const tensor of kept) tensor.dispose();
      kept = [megabytes(100), megabytes(100)];
      sayDouble();
      for (const tensor of kept) tensor.dispose();
      // What was kept for later goes back to the driver first.
      kept = [megabytes(120), megabytes(120)];
      sayDouble();
    `,
    );
    expect(lines).toEqual([
      expect.stringMatching(
        /^ERR_INSUFFICIENT_MEMORY Expected 60 MB of memory on .*, besides 3\d\d MB in use, but received VK_ERROR_OUT_OF_DEVICE_MEMORY/,
      ),
      "5",
      "2 4 6",
      "2 4 6",
    ]);
  });

  it("that compiles no kernel is named, with the kernel", async () => {
    expect(await linesOf("pipeline", "sayDouble()")).toEqual([
      expect.stringMatching(
        /^ERR_NATIVE Expected the driver of .* to compile the kernel twice_kernel .*VK_ERROR_UNKNOWN/,
      ),
    ]);
  });

  it("of an older Vulkan has no usable device", async () => {
    const lines = await linesOf("old", `say(() => upload([1]));`);
    expect(lines).toEqual([
      expect.stringMatching(/^ERR_DEVICE_UNAVAILABLE Expected a device of Vulkan 1\.2 or later.*Install/),
    ]);
  });

  it("with two devices has GPUs first, and copies between them", async () => {
    const lines = await linesOf(
      "twice",
      `
      const devices = call("node_mlc.vulkan.list_devices");
      for (const device of devices) console.log(device.get("index"), device.get("kind"), device.get("name") === "second");
      const from = upload(Array.from({ length: 5 * 2 ** 20 }, (_, i) => i), 1);
      const to = native.Tensor.empty(from.shape, "float32", on(0));
      copy(from, to);
      const host = native.Tensor.empty(from.shape, "float32");
      copy(to, host);
      console.log(host.view().every((value, i) => value === i));
      const [x, out] = [upload([1, 2], 1), upload([0, 0], 1)];
      twice.call(x, out);
      console.log(download(out));
      say(() => { twice.call(x, upload([0, 0], 0)); });
    `,
    );
    expect(lines.slice(0, 4)).toEqual(["0 gpu true", "1 cpu false", "true", "2 4"]);
    expect(lines[4]).toMatch(/device/);
  });
});
