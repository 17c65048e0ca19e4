import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cpuFeatures, cpuName, mapFile } from "../../lib/ffi/index.js";
import { collectGarbage } from "../support/collect-garbage.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "node-mlc-map-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, bytes: Uint8Array) => {
  const file = path.join(folder, name);
  writeFileSync(file, bytes);
  return file;
};

describe("mapFile", () => {
  const bytes = Uint8Array.from({ length: 20_000 }, (_, i) => i % 251);

  it("shows the file's bytes", () => {
    expect(mapFile(write("plain", bytes))).toEqual(bytes);
  });

  it.each([
    [0, 10],
    [1, 4095],
    [4096, 4096],
    [4097, undefined],
    [12_345, 7000],
    [20_000, undefined],
    [20_000, 0],
  ])("maps a part from %i, length %s", (offset, length) => {
    const end = length === undefined ? undefined : offset + length;
    expect(mapFile(write("part", bytes), offset, length)).toEqual(bytes.slice(offset, end));
  });

  it("is copy on write", () => {
    const file = write("private", bytes);
    const map = mapFile(file);
    map[0] = 77;
    expect(map[0]).toBe(77);
    expect(readFileSync(file)[0]).toBe(0);
    expect(mapFile(file)[0]).toBe(0);
  });

  it("maps an empty file", () => {
    expect(mapFile(write("empty", new Uint8Array(0)))).toEqual(new Uint8Array(0));
  });

  it("outlives the deleted file", () => {
    const file = write("deleted", bytes);
    const map = mapFile(file);
    rmSync(file);
    expect(map).toEqual(bytes);
  });

  it("is unmapped when collected", async () => {
    const file = write("many", new Uint8Array(1 << 20).fill(1));
    for (let i = 0; i < 300; i++) mapFile(file)[0] = 2;
    await collectGarbage();
    const maps =
      process.platform === "linux" ? readFileSync("/proc/self/maps", "utf8").split(file).length - 1 : 0;
    expect(maps).toBeLessThan(10);
  });

  it.each<[string, () => unknown]>([
    ["a missing file", () => mapFile(path.join(folder, "missing"))],
    ["a folder", () => mapFile(folder)],
    ["a part beyond the end", () => mapFile(write("short", bytes), 19_999, 2)],
    ["an offset beyond the end", () => mapFile(write("short", bytes), 20_001)],
  ])("refuses %s", (_name, run) => {
    expect(run).toThrow(expect.objectContaining({ code: "ERR_IO" }));
  });

  it.each([[-1], [0.5], [Number.NaN]])("refuses the offset %s", (offset) => {
    expect(() => mapFile(write("offset", bytes), offset)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });
});

describe("the processor", () => {
  it("has sorted feature names without repetition", () => {
    const features = cpuFeatures();
    expect(features).toEqual([...new Set(features)].sort());
    expect(features).toContain({ x64: "sse2", arm64: "neon" }[process.arch as "x64"]);
    expect(cpuName().trim().length).toBeGreaterThan(0);
  });

  it.runIf(process.platform === "linux" && process.arch === "x64")("agrees with the kernel", () => {
    const flags = new Set(/^flags\s*:\s*(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1]?.split(" "));
    const kernelNames = {
      avx2: "avx2",
      avx512f: "avx512f",
      fma: "fma",
      f16c: "f16c",
      bmi2: "bmi2",
      avx512vnni: "avx512_vnni",
      "sse4.2": "sse4_2",
      avxvnni: "avx_vnni",
      gfni: "gfni",
    };
    for (const [name, flag] of Object.entries(kernelNames)) {
      expect([name, cpuFeatures().includes(name)]).toEqual([name, flags.has(flag)]);
    }
  });
});
