import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ModelPackage } from "../../../lib/package/model-package.js";
import { PackageWriter } from "../../../lib/package/package-writer.js";
import { fillPackage, manifestDraft, paramBytes, temporaryFolder, writePackage } from "./package-fixture.js";

let root: string;
beforeAll(async () => {
  root = await temporaryFolder();
});
afterAll(() => rm(root, { recursive: true, force: true }));

const entries = async (folder: string) => (await readdir(folder)).sort();

/** A child that writes half a package to `output` and then waits to be killed. */
async function killedWriter(output: string): Promise<void> {
  const program = fileURLToPath(new URL("half-a-package.ts", import.meta.url));
  const child: ChildProcess = spawn(process.execPath, ["--import", "tsx", program, output], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once("data", () => resolve());
    child.once("exit", (code) => reject(new Error(`the writer ended by itself with ${code}`)));
  });
  child.removeAllListeners("exit");
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

describe("a writer killed in the middle", () => {
  test("leaves no package, and the next run cleans up and succeeds", async () => {
    const folder = path.join(root, "killed");
    const output = path.join(folder, "model");
    await killedWriter(output);
    const [left, ...others] = await entries(folder);
    expect(left).toMatch(/^\.model\.staging-\d+-[0-9a-f]{8}$/);
    expect(others).toEqual([]);
    await expect(ModelPackage.open(output)).rejects.toMatchObject({ code: "ERR_MODEL_NOT_FOUND" });
    await writePackage(output);
    expect(await entries(folder)).toEqual(["model"]);
    await ModelPackage.open(output, { verify: true });
  });

  test("leaves an older package as it was", async () => {
    const folder = path.join(root, "killed-over");
    const output = path.join(folder, "model");
    await writePackage(output);
    const before = await readFile(path.join(output, "manifest.json"), "utf8");
    await killedWriter(output);
    expect(await readFile(path.join(output, "manifest.json"), "utf8")).toBe(before);
    await ModelPackage.open(output, { verify: true });
  });
});

describe("staging folders", () => {
  test("of living processes and of other packages stay", async () => {
    const folder = path.join(root, "neighbours");
    const kept = [
      `.model.staging-${process.pid}-00000000`,
      ".other.staging-999999999-00000000",
      ".model.notes",
    ];
    for (const name of kept) await mkdir(path.join(folder, name), { recursive: true });
    await mkdir(path.join(folder, ".model.staging-999999999-00000000"));
    await writePackage(path.join(folder, "model"));
    expect(await entries(folder)).toEqual([...kept, "model"].sort());
  });

  test("a package taken away by a run that died before replacing it comes back", async () => {
    const folder = path.join(root, "between");
    const output = path.join(folder, "model");
    await writePackage(output);
    await rename(output, path.join(folder, ".model.replaced-999999999-00000000"));
    const writer = await PackageWriter.create(output);
    await writer.abort();
    expect(await entries(folder)).toEqual(["model"]);
    await ModelPackage.open(output, { verify: true });
  });

  test("two writers of one package do not disturb each other; the last one stays", async () => {
    const folder = path.join(root, "two");
    const output = path.join(folder, "model");
    const [first, second] = [await PackageWriter.create(output), await PackageWriter.create(output)];
    await fillPackage(first);
    await fillPackage(second);
    await first.finish(manifestDraft());
    await second.finish({ ...manifestDraft(), generator: "second" });
    expect((await ModelPackage.open(output, { verify: true })).manifest.generator).toBe("second");
    expect(await entries(folder)).toEqual(["model"]);
  });
});

describe("a failure while writing is one clear error, and nothing is left", () => {
  const spec = { name: "x", shape: [64, 64], format: "f32" as const };

  // /dev/full takes no byte: the writer meets the kernel's own ENOSPC.
  test.skipIf(process.platform !== "linux")("no space on the device", async () => {
    const folder = path.join(root, "full");
    const writer = await PackageWriter.create(path.join(folder, "model"));
    await symlink("/dev/full", path.join(writer.staging, "weights-00000.bin"));
    await expect(writer.addParam(spec, paramBytes(spec))).rejects.toMatchObject({
      code: "ERR_IO",
      message: expect.stringMatching(/no space is left on the device/),
    });
    expect(await entries(folder)).toEqual([]);
    const other = await PackageWriter.create(path.join(folder, "model"));
    await symlink("/dev/full", path.join(other.staging, "manifest.json"));
    await fillPackage(other);
    await expect(other.finish(manifestDraft())).rejects.toMatchObject({ code: "ERR_IO" });
    expect(await entries(folder)).toEqual([]);
  });

  test("too little space is said before anything is written", async () => {
    const folder = path.join(root, "small");
    await expect(
      PackageWriter.create(path.join(folder, "model"), { expectedBytes: 2 ** 60 }),
    ).rejects.toMatchObject({ code: "ERR_IO", message: expect.stringMatching(/free bytes/) });
    expect(await entries(folder)).toEqual([]);
  });

  test("a folder that cannot be made", async () => {
    const file = path.join(root, "a-file");
    await writeFile(file, "x");
    await expect(PackageWriter.create(path.join(file, "model"))).rejects.toMatchObject({
      code: "ERR_IO",
      message: expect.stringMatching(/Could not write a package at .*: a part of the path is a file/),
    });
    if (process.platform === "linux") {
      await expect(PackageWriter.create("/proc/model")).rejects.toMatchObject({ code: "ERR_IO" });
    }
  });

  // The superuser may write everywhere.
  const mayWriteAnywhere = process.platform === "win32" || process.getuid?.() === 0;
  test.skipIf(mayWriteAnywhere)("a folder without rights", async () => {
    const folder = path.join(root, "readonly");
    await mkdir(folder, { mode: 0o555 });
    await expect(PackageWriter.create(path.join(folder, "model"))).rejects.toMatchObject({
      code: "ERR_IO",
      message: expect.stringMatching(/permission denied/),
    });
  });

  test("weights that cannot be made, a draft that contradicts itself, a bad file name", async () => {
    const folder = path.join(root, "failures");
    const output = path.join(folder, "model");
    const failing = await PackageWriter.create(output);
    const broken = (function* (): Generator<Uint8Array> {
      yield new Uint8Array(64);
      throw new Error("source vanished");
    })();
    await expect(failing.addParam(spec, broken)).rejects.toThrow(/source vanished/);
    const contradicting = await PackageWriter.create(output);
    await fillPackage(contradicting);
    await expect(
      contradicting.finish({
        ...manifestDraft(),
        tokenizer: { ...manifestDraft().tokenizer, files: ["absent.json"] },
      }),
    ).rejects.toMatchObject({ code: "ERR_INVALID_PACKAGE" });
    const escaping = await PackageWriter.create(output);
    await expect(escaping.addFile("../x", "x")).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    expect(await entries(folder)).toEqual([]);
  });

  test("a folder with other files is never replaced", async () => {
    const output = path.join(root, "precious");
    await mkdir(output);
    await writeFile(path.join(output, "thesis.txt"), "years of work");
    await expect(PackageWriter.create(output)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    expect(await entries(output)).toEqual(["thesis.txt"]);
  });
});
