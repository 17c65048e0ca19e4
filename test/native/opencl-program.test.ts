// The OpenCL runtime: programs from source text, what a wrong one says, and the cache on disk.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setDeviceCache } from "../../lib/engine/devices.js";
import { FfiModule, programCounts } from "../../lib/ffi/index.js";
import { globalFunction } from "../support/global-function.js";
import { opencl, openclDevices } from "../support/opencl-device.js";
import { Serialised } from "../support/serialised.js";

const INT32 = Buffer.from([0, 32, 1, 0]);

/** A module, as it lies in a compiled library, with one kernel that takes an int. */
function moduleBytes(source: string): Buffer {
  const module = new Serialised().text("cl").count(1).text("nothing").text("nothing");
  module.count(1).raw(INT32).count(2).text("blockIdx.x").text("threadIdx.x").count(0);
  return module.text(`// Function: nothing\n${source}`).bytes();
}

const load = (bytes: Buffer): FfiModule => {
  const module = globalFunction("ffi.Module.load_from_bytes.opencl").call(bytes);
  if (!(module instanceof FfiModule)) throw new Error("no module");
  return module;
};

/** Builds the program and runs its kernel, which does nothing. */
function runSource(source: string, blocks = 1, threads = 1): void {
  load(moduleBytes(source)).getFunction("nothing").call(7, blocks, threads);
  globalFunction("runtime.Device_StreamSync").call(opencl(), 0);
}

const source = (comment: string) => `__kernel void nothing(int n) { /* ${comment} */ }\n`;

describe.skipIf(openclDevices().length === 0)("a program", () => {
  let folder: string;
  let before: ReturnType<typeof programCounts>;
  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "node-mlc-opencl-"));
    await setDeviceCache(folder);
    before = programCounts("opencl");
  });
  afterEach(async () => {
    await setDeviceCache(false);
    rmSync(folder, { recursive: true, force: true });
  });
  const sinceBefore = () => {
    const { built, loaded } = programCounts("opencl");
    return { built: built - before.built, loaded: loaded - before.loaded };
  };
  const onlyFile = () => {
    const files = readdirSync(folder);
    expect(files).toHaveLength(1);
    return path.join(folder, files[0] ?? "");
  };

  it("that is wrong is refused with the compiler's log", () => {
    expect(() => runSource("__kernel void nothing(int n) { undeclared(n); }")).toThrow(
      expect.objectContaining({ code: "ERR_NATIVE", message: expect.stringContaining("undeclared") }),
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it("without the kernel it should have is refused", () => {
    expect(() => runSource("__kernel void another(int n) {}")).toThrow(
      /kernel nothing.*CL_INVALID_KERNEL_NAME/,
    );
  });

  it("that is asked for too many threads says how many there may be", () => {
    const limit = openclDevices()[0]?.maxThreadsPerBlock ?? 0;
    expect(() => runSource(source("threads"), 1, 2 * limit)).toThrow(
      new RegExp(`${2 * limit} x 1 x 1 items \\(at most \\d+ a group\\).*CL_INVALID_WORK`),
    );
  });

  it("is compiled once and then comes from the disk", () => {
    runSource(source("kept"));
    expect(sinceBefore()).toEqual({ built: 1, loaded: 0 });
    const kept = readFileSync(onlyFile());
    runSource(source("kept"));
    expect(sinceBefore()).toEqual({ built: 1, loaded: 1 });
    expect(readFileSync(onlyFile())).toEqual(kept);
    runSource(source("another"));
    expect(sinceBefore()).toEqual({ built: 2, loaded: 1 });
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it("whose file is damaged is compiled again", () => {
    runSource(source("damaged"));
    const file = onlyFile();
    const kept = readFileSync(file);
    const flipped = Buffer.from(kept);
    flipped.writeUInt8(flipped.readUInt8(kept.length - 20) ^ 1, kept.length - 20);
    for (const damaged of [flipped, kept.subarray(0, kept.length / 2), Buffer.alloc(0)]) {
      writeFileSync(file, damaged);
      runSource(source("damaged"));
      runSource(source("damaged"));
    }
    expect(sinceBefore()).toEqual({ built: 4, loaded: 3 });
  });

  it("is compiled each time without a cache, or with a folder that is none", async () => {
    const file = path.join(folder, "a file");
    writeFileSync(file, "");
    for (const choice of [false, file] as const) {
      await setDeviceCache(choice);
      runSource(source("not kept"));
      runSource(source("not kept"));
    }
    expect(sinceBefore()).toEqual({ built: 4, loaded: 0 });
    expect(readdirSync(folder)).toEqual(["a file"]);
  });

  it("that ends too early is refused", () => {
    const whole = moduleBytes(source("cut"));
    for (const length of [0, 7, 20, 60, whole.length - 1])
      expect(() => load(whole.subarray(0, length))).toThrow(/ends too early.*damaged/);
    expect(load(whole).kind).toBe("opencl");
  });
});
