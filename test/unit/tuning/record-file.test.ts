// The record file: what is written is read again, for the same machine only, and a bad file is a notice.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Machine } from "../../../lib/compiler/tuning/machine.js";
import {
  addRecords,
  type KernelRecord,
  readRecords,
  recordFilePath,
} from "../../../lib/compiler/tuning/record-file.js";

const MACHINE: Machine = {
  cpu: "AMD EPYC 9R14",
  features: ["avx2", "avx512vnni"],
  threads: 4,
  compiler: "node-mlc 0.1.0, TVM 0.27.0",
};
const RECORD: KernelRecord = {
  tuning: {
    tileTokens: 5,
    tileRows: 32,
    fewTokens: 8,
    fewTileTokens: 4,
    prefetchBytes: 0,
    activationBytes: 1 << 18,
    panelBytes: 1 << 19,
  },
  speedups: { prompt: 1.07 },
  searched: ["tile"],
};

let folder: string;
let file: string;
let notices: string[];
const onNotice = (notice: string) => void notices.push(notice);
const read = (machine = MACHINE) => readRecords(file, machine, onNotice);

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "node-mlc-records-"));
  file = path.join(folder, "cache", "tuning.json");
  notices = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("records", () => {
  it("are read as written; later ones are added and replace", async () => {
    expect((await read()).size).toBe(0);
    await addRecords(file, MACHINE, new Map([["a", RECORD]]), onNotice);
    expect(await read()).toEqual(new Map([["a", RECORD]]));
    const other = { ...RECORD, searched: ["tile", "prefetch"] };
    const second = new Map([
      ["a", other],
      ["b", RECORD],
    ]);
    await addRecords(file, MACHINE, second, onNotice);
    expect(await read()).toEqual(second);
    expect(notices).toEqual([]);
    expect(readdirSync(path.dirname(file))).toEqual(["tuning.json"]);
  });

  it.each<[string, Partial<Machine>]>([
    ["processor", { cpu: "AMD EPYC 9B14" }],
    ["instruction sets", { features: ["avx2"] }],
    ["number of threads", { threads: 8 }],
    ["compiler", { compiler: "node-mlc 0.2.0, TVM 0.27.0" }],
  ])("of another %s are not used, and stay", async (_, change) => {
    const other = { ...MACHINE, ...change };
    await addRecords(file, other, new Map([["a", RECORD]]), onNotice);
    expect((await read()).size).toBe(0);
    await addRecords(file, MACHINE, new Map([["b", RECORD]]), onNotice);
    expect([...(await read(other)).keys()]).toEqual(["a"]);
    expect([...(await read()).keys()]).toEqual(["b"]);
  });

  it.each([
    ["no JSON", "{"],
    ["nothing", ""],
    ["another form", '{"format":"other"}'],
    ["another version", '{"format":"node-mlc-tuning","version":99,"machines":[]}'],
  ])("of a file that holds %s are a notice, and the next ones replace it", async (_, content) => {
    mkdirSync(path.dirname(file));
    writeFileSync(file, content);
    expect((await read()).size).toBe(0);
    expect(notices).toEqual([expect.stringContaining(file)]);
    expect(notices[0]).toMatch(/cannot be used .*--tune/);
    await addRecords(file, MACHINE, new Map([["a", RECORD]]), onNotice);
    expect(await read()).toEqual(new Map([["a", RECORD]]));
    expect(notices.length).toBe(1);
  });

  it("with impossible numbers are a notice that says where", async () => {
    await addRecords(file, MACHINE, new Map([["a", RECORD]]), onNotice);
    writeFileSync(file, readFileSync(file, "utf8").replace('"tileRows": 32', '"tileRows": 33'));
    expect((await read()).size).toBe(0);
    expect(notices[0]).toContain("machines.0.kernels.a.tuning.tileRows");
  });

  it("that cannot be written are a notice", async () => {
    writeFileSync(path.join(folder, "cache"), "a file, not a folder");
    await addRecords(file, MACHINE, new Map([["a", RECORD]]), onNotice);
    expect(notices).toEqual([expect.stringMatching(/Could not keep the tuning records/)]);
    expect(readdirSync(folder)).toEqual(["cache"]);
  });
});

it("lie in the user's cache folder, or where NODE_MLC_CACHE says", () => {
  const at = (environment: NodeJS.ProcessEnv, platform: NodeJS.Platform) =>
    path.dirname(recordFilePath(environment, platform, "/home/me"));
  expect(at({}, "linux")).toBe("/home/me/.cache/node-mlc");
  expect(at({ XDG_CACHE_HOME: "/cache" }, "linux")).toBe("/cache/node-mlc");
  expect(at({ XDG_CACHE_HOME: "" }, "freebsd")).toBe("/home/me/.cache/node-mlc");
  expect(at({}, "darwin")).toBe("/home/me/Library/Caches/node-mlc");
  expect(at({ LOCALAPPDATA: "/local" }, "win32")).toBe("/local/node-mlc");
  expect(at({ NODE_MLC_CACHE: "/mine", XDG_CACHE_HOME: "/cache" }, "linux")).toBe("/mine");
});
