// The Vulkan runtime: WGSL, what is wrong with a kernel or asks too much of a device, and the cache on disk.
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setDeviceCache } from "../../lib/engine/devices.js";
import { programCounts } from "../../lib/ffi/index.js";
import { packageRoot } from "../../lib/package-root.js";
import { runChild } from "../support/native-child.js";
import { canCompileWgsl, vulkanDevices } from "../support/vulkan-device.js";
import { kernelSource, loadModule, moduleBytes, runCode } from "../support/vulkan-module.js";

const [first] = vulkanDevices();
const compiles = canCompileWgsl();
const source = (comment: string) => kernelSource(`shared_values[i] = i; // ${comment}`);

describe.skipIf(!compiles)("WGSL", () => {
  it("that is wrong is refused with the place of the error", () => {
    const broken = kernelSource("shared_values[i] = undeclared;");
    const line = broken.split("\n").findIndex((text) => text.includes("undeclared")) + 1;
    expect(() => loadModule(moduleBytes(broken))).toThrow(
      expect.objectContaining({
        code: "ERR_COMPILE",
        message: expect.stringMatching(new RegExp(`kernel nothing[^]*undeclared[^]*wgsl:${line}:\\d+`)),
      }),
    );
  });

  it("of no sense at all is refused", () => {
    for (const nonsense of ["", "\0", "fn nothing(", Uint8Array.of(0xff, 0xfe)])
      expect(() => runCode(nonsense)).toThrow(/kernel nothing/);
  });

  it("that ends too early in its module is refused", () => {
    const whole = moduleBytes(source("cut"));
    for (const length of [0, 7, 20, 60, whole.length - 1])
      expect(() => loadModule(whole.subarray(0, length))).toThrow(/ends too early.*damaged/);
    expect(loadModule(whole).kind).toBe("webgpu");
  });

  it("cannot be compiled without its compiler's library, and the error says so", async () => {
    const addon =
      process.env.NODE_MLC_ADDON ?? createRequire(import.meta.url)("node-gyp-build").resolve(packageRoot);
    const original = path.dirname(path.resolve(addon));
    const folder = mkdtempSync(path.join(tmpdir(), "node-mlc-vulkan-"));
    for (const file of readdirSync(original))
      if (/\.(node|so|dylib|dll)$/.test(file) && !file.includes("node_mlc_wgsl"))
        copyFileSync(path.join(original, file), path.join(folder, file));
    const child = await runChild(
      `
      native.loadDeviceRuntime("vulkan");
      console.log(call("node_mlc.vulkan.missing_compiler"));
      try { call("ffi.Module.load_from_bytes.webgpu", Buffer.from("${moduleBytes(source("x")).toString("hex")}", "hex")); }
      catch (error) { console.log(error.code, error.message); }
    `,
      { env: { NODE_MLC_ADDON: path.join(folder, path.basename(addon)) } },
    );
    rmSync(folder, { recursive: true });
    expect(child.exitCode).toBe(0);
    expect(child.stdout).toMatch(/node_mlc_wgsl.* does not load \(/);
    expect(child.stdout).toMatch(/ERR_COMPILER_NOT_FOUND .*kernel nothing.*cargo/);
  });
});

describe.skipIf(!compiles || first === undefined)("a kernel", () => {
  it("whose code is damaged, or another kernel's, is refused", () => {
    const header = Buffer.from([0x03, 0x02, 0x23, 0x07]);
    expect(() => runCode(header)).toThrow(/kernel nothing.*damaged/);
    expect(() => runCode(source("x").replace("fn nothing", "fn another"))).toThrow(/another kernel's/);
  });

  it("with more threads in a group than the device has is refused with the limit", () => {
    const limit = first?.maxThreadsPerBlock ?? 0;
    expect(() => runCode(kernelSource("shared_values[i] = i;", "", 2 * limit))).toThrow(
      new RegExp(`${2 * limit} threads.*kernel nothing.* has ${limit}`),
    );
  });

  it("with more shared memory than the device has is refused with the limit", () => {
    const limit = first?.sharedMemoryBytes ?? 0;
    const large = `var<workgroup> large : array<vec4<f32>, ${limit / 16 + 1}>;`;
    expect(() => runCode(kernelSource("large[i] = vec4<f32>(); shared_values[i] = i;", large))).toThrow(
      new RegExp(`${limit + 16 + 256} bytes of shared memory.* has ${limit}`),
    );
  });

  it("for subgroups runs where they have its size, and is refused elsewhere", () => {
    const code = kernelSource("shared_values[i] = subgroupAdd(i);", "enable subgroups;");
    if (first?.features.subgroups) return runCode(code);
    expect(() => runCode(code)).toThrow(/subgroups of 32 for the kernel nothing/);
  });

  it("of more groups than there can be is refused", () => {
    expect(() => runCode(source("groups"), 65535 ** 2 + 1)).toThrow(/65535 x 65535 groups/);
    runCode(source("groups"), 65536);
  });

  it.each([
    {
      feature: "fp16",
      disable: "shaderFloat16",
      code: kernelSource("halves[i] = f16(i);", "enable f16; var<workgroup> halves : array<f16, 64>;"),
      needs: "16-bit floats",
    },
    {
      feature: "integerDotProduct",
      disable: "VK_KHR_shader_integer_dot_product",
      code: kernelSource("shared_values[i] = u32(dot4I8Packed(i, i));"),
      needs: "products of packed integers",
    },
  ] as const)("for $needs is refused where there are none", async ({ feature, disable, code, needs }) => {
    if (first?.features[feature]) runCode(code);
    const bytes = moduleBytes(code).toString("hex");
    const child = await runChild(
      `
      native.loadDeviceRuntime("vulkan");
      console.log(call("node_mlc.vulkan.list_devices")[0].get("features").get("${feature}"));
      const module = call("ffi.Module.load_from_bytes.webgpu", Buffer.from("${bytes}", "hex"));
      try { module.getFunction("nothing").call(1, 64); } catch (error) { console.log(error.code, error.message); }
    `,
      { env: { NODE_MLC_VULKAN_DISABLE: disable } },
    );
    expect(child.exitCode).toBe(0);
    expect(child.stdout).toMatch(new RegExp(`^false\nERR_NATIVE Expected a device with ${needs}`));
  });
});

describe.skipIf(!compiles || first === undefined)("a compiled kernel", () => {
  let folder: string;
  let before: ReturnType<typeof programCounts>;
  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "node-mlc-vulkan-"));
    await setDeviceCache(folder);
    before = programCounts("vulkan");
  });
  afterEach(async () => {
    await setDeviceCache(false);
    rmSync(folder, { recursive: true, force: true });
  });
  const sinceBefore = () => {
    const { built, loaded } = programCounts("vulkan");
    return { built: built - before.built, loaded: loaded - before.loaded };
  };
  const onlyFile = () => {
    const files = readdirSync(folder);
    expect(files).toHaveLength(1);
    return path.join(folder, files[0] ?? "");
  };

  it("comes from the disk the second time", () => {
    runCode(source("kept"));
    expect(sinceBefore()).toEqual({ built: 1, loaded: 0 });
    const kept = readFileSync(onlyFile());
    runCode(source("kept"));
    expect(sinceBefore()).toEqual({ built: 1, loaded: 1 });
    expect(readFileSync(onlyFile())).toEqual(kept);
    runCode(kernelSource("shared_values[i] = 2 * i;"));
    expect(sinceBefore()).toEqual({ built: 2, loaded: 1 });
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it("whose file is damaged is compiled again", () => {
    runCode(source("damaged"));
    const file = onlyFile();
    const kept = readFileSync(file);
    const flipped = Buffer.from(kept);
    flipped.writeUInt8(flipped.readUInt8(kept.length - 20) ^ 1, kept.length - 20);
    for (const damaged of [flipped, kept.subarray(0, kept.length / 2), Buffer.alloc(0)]) {
      writeFileSync(file, damaged);
      runCode(source("damaged"));
      expect(readFileSync(file)).toEqual(kept);
      runCode(source("damaged"));
    }
    expect(sinceBefore()).toEqual({ built: 4, loaded: 3 });
  });

  it("is compiled each time without a cache, or with a folder that is none", async () => {
    const file = path.join(folder, "a file");
    writeFileSync(file, "");
    for (const choice of [false, file] as const) {
      await setDeviceCache(choice);
      runCode(source("not kept"));
      runCode(source("not kept"));
    }
    expect(sinceBefore()).toEqual({ built: 4, loaded: 0 });
    expect(readdirSync(folder)).toEqual(["a file"]);
  });
});
