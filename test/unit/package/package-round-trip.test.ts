import { readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ModelPackage } from "../../../lib/package/model-package.js";
import { PackageWriter } from "../../../lib/package/package-writer.js";
import { manifestDraft, PARAMS, paramBytes, temporaryFolder, writePackage } from "./package-fixture.js";

let root: string;
beforeAll(async () => {
  root = await temporaryFolder();
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("a package written and opened again", () => {
  test("has every parameter at an aligned place with its own bytes", async () => {
    const opened = await ModelPackage.open(await writePackage(path.join(root, "whole")), { verify: true });
    const { params, shards } = opened.manifest.weights;
    expect(params.map(({ name }) => name)).toEqual(PARAMS.map(({ name }) => name));
    expect(shards).toHaveLength(1);
    const shard = await readFile(opened.file("weights-00000.bin"));
    for (const [index, param] of params.entries()) {
      expect(param.offset % 64).toBe(0);
      const spec = PARAMS[index];
      if (spec === undefined) throw new Error("more params than written");
      const expected = Buffer.concat([...paramBytes(spec, index)]);
      expect(shard.subarray(param.offset, param.offset + param.bytes).equals(expected)).toBe(true);
    }
    expect(params.map(({ packedShape, dtype, bytes }) => ({ packedShape, dtype, bytes }))).toEqual([
      { packedShape: [10], dtype: "float32", bytes: 40 },
      { packedShape: [3, 1, 544], dtype: "uint8", bytes: 1632 },
      { packedShape: [2, 2, 320], dtype: "uint8", bytes: 1280 },
      { packedShape: [1, 10, 16], dtype: "float16", bytes: 320 },
    ]);
    expect(await opened.readText("chat_template.jinja")).toBe("{{ messages }}");
    expect(opened.manifest.kvCache).toEqual({ dtype: "float16", bytesPerToken: 128, pageBytes: 2048 });
  });

  test("splits shards between parameters, never inside one", async () => {
    const opened = await ModelPackage.open(await writePackage(path.join(root, "split"), 1500), {
      verify: true,
    });
    const { params, shards, totalBytes } = opened.manifest.weights;
    expect(params.map(({ shard, offset }) => [shard, offset])).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
      [3, 0],
    ]);
    expect(shards.map(({ bytes }) => bytes)).toEqual([40, 1632, 1280, 320]);
    expect(totalBytes).toBe(40 + 1632 + 1280 + 320);
  });

  test("replaces an older package only when it is complete", async () => {
    const output = path.join(root, "replaced");
    await writePackage(output);
    const writer = await PackageWriter.create(output);
    await writer.addFile("tokenizer.json", "new");
    expect((await ModelPackage.open(output)).manifest.quantization).toBe("q4_1");
    await writer.abort();
    await writePackage(output, 1500);
    expect((await ModelPackage.open(output)).manifest.weights.shards).toHaveLength(4);
  });
});

describe("a damaged package", () => {
  const damaged = async (name: string, damage: (folder: string) => Promise<void>) => {
    const folder = await writePackage(path.join(root, name));
    await damage(folder);
    return folder;
  };
  const codeOf = (folder: string, verify = false) =>
    ModelPackage.open(folder, { verify }).then(
      () => "opened",
      (error) => error.code,
    );

  test("a truncated shard, a missing file, a folder in place of a file", async () => {
    const short = await damaged("short", (folder) => truncate(path.join(folder, "weights-00000.bin"), 100));
    await expect(ModelPackage.open(short)).rejects.toThrow(
      /Expected \d+ bytes in weights-00000.bin but received 100/,
    );
    expect(await codeOf(short)).toBe("ERR_INVALID_PACKAGE");
    const missing = await damaged("missing", (folder) => rm(path.join(folder, "tokenizer.json")));
    await expect(ModelPackage.open(missing)).rejects.toThrow(/tokenizer.json .* is missing/);
  });

  test("a changed library or tokenizer is always noticed, a changed weight with verify", async () => {
    const changed = await damaged("changed", (folder) =>
      writeFile(path.join(folder, "lib/model.so"), "not a REAL library"),
    );
    expect(await codeOf(changed)).toBe("ERR_DIGEST_MISMATCH");
    const weight = await damaged("weight", async (folder) => {
      const file = path.join(folder, "weights-00000.bin");
      const bytes = await readFile(file);
      bytes[77] = (bytes[77] ?? 0) ^ 1;
      await writeFile(file, bytes);
    });
    expect(await codeOf(weight)).toBe("opened");
    expect(await codeOf(weight, true)).toBe("ERR_DIGEST_MISMATCH");
  });

  test("no folder, a folder that is no package, a file", async () => {
    expect(await codeOf(path.join(root, "nowhere"))).toBe("ERR_MODEL_NOT_FOUND");
    expect(await codeOf(root)).toBe("ERR_INVALID_PACKAGE");
    const file = path.join(root, "file");
    await writeFile(file, "x");
    expect(await codeOf(file)).toBe("ERR_INVALID_PACKAGE");
  });

  test("aborted while opening", async () => {
    const folder = await writePackage(path.join(root, "aborted"));
    await expect(ModelPackage.open(folder, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ERR_ABORTED",
    });
  });
});

test("a file the manifest does not list is not handed out", async () => {
  const opened = await ModelPackage.open(await writePackage(path.join(root, "listed")));
  expect(() => opened.file("../listed/tokenizer.json")).toThrow(/lists none/);
  expect(() => opened.file("constructor")).toThrow(/lists none/);
  expect((await stat(opened.file("LICENSE"))).isFile()).toBe(true);
});

test("parameters with too few or too many bytes are refused", async () => {
  const spec = { name: "x", shape: [16, 32], format: "q8_0" as const };
  for (const [bytes, message] of [
    [543, /received 543/],
    [545, /received more/],
  ] as const) {
    const writer = await PackageWriter.create(path.join(root, "wrong"));
    await expect(writer.addParam(spec, [new Uint8Array(bytes)])).rejects.toThrow(message);
    await expect(writer.finish(manifestDraft())).rejects.toMatchObject({ code: "ERR_DISPOSED" });
    await expect(stat(writer.staging)).rejects.toThrow();
  }
});
