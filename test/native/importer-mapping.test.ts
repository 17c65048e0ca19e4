/** Importing through the memory mapping of the addon. */
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { importModel } from "../../lib/compiler/importer/import-model.js";
import { requireTensor } from "../../lib/compiler/importer/imported-model.js";
import { openMapped } from "../../lib/compiler/importer/mapped-file.js";
import { writeGguf } from "../support/gguf-writer.js";
import { safetensorsOf } from "../support/safetensors-writer.js";
import { tinyGguf } from "../support/tiny-gguf.js";

const folder = mkdtempSync(path.join(tmpdir(), "importer-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a mapped GGUF gives the tensors of its file", async () => {
  const file = path.join(folder, "tiny.gguf");
  writeFileSync(file, writeGguf(tinyGguf));
  const model = await importModel(file);
  expect(requireTensor(model, "model.norm.weight").readRows(0, 3)).toEqual(Float32Array.of(2, 3, 4));
  // Views stay valid after close; the mapping goes when the last one is collected.
  const bytes = requireTensor(model, "model.embed_tokens.weight").bytes();
  model.close();
  expect(new Float32Array(bytes.slice().buffer)[0]).toBe(1);
  expect(() => requireTensor(model, "model.norm.weight").bytes()).toThrowError(
    expect.objectContaining({ code: "ERR_DISPOSED" }),
  );
});

test("a model far larger than what is read of it costs only what is read", async () => {
  const rows = 1 << 16;
  const columns = 4096;
  const bytes = rows * columns * 4;
  const model = path.join(folder, "large");
  mkdirSync(model);
  writeFileSync(path.join(model, "config.json"), JSON.stringify({ model_type: "llama" }));
  const header = safetensorsOf({ w: { dtype: "F32", shape: [rows, columns], data_offsets: [0, bytes] } });
  const descriptor = openSync(path.join(model, "model.safetensors"), "w");
  writeSync(descriptor, header);
  // A gigabyte that takes no disk: all zero but not written.
  ftruncateSync(descriptor, header.byteLength + bytes);
  closeSync(descriptor);

  const before = process.memoryUsage().rss;
  const imported = await importModel(model);
  const tensor = requireTensor(imported, "w", [rows, columns]);
  expect(tensor.bytes().byteLength).toBe(bytes);
  expect(tensor.readRows(rows - 1, 1)).toEqual(new Float32Array(columns));
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  imported.close();
});

test("missing, empty and unreadable files are typed errors", async () => {
  expect(() => openMapped(path.join(folder, "none"))).toThrowError(
    expect.objectContaining({ code: "ERR_MODEL_NOT_FOUND" }),
  );
  expect(() => openMapped(folder)).toThrowError(expect.objectContaining({ code: "ERR_IO" }));
  const empty = path.join(folder, "empty.gguf");
  writeFileSync(empty, "");
  await expect(importModel(empty)).rejects.toMatchObject({ code: "ERR_INVALID_MODEL" });
});
