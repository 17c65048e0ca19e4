import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { openByReading } from "../../../lib/compiler/importer/byte-source.js";
import { importModel } from "../../../lib/compiler/importer/import-model.js";
import { requireTensor } from "../../../lib/compiler/importer/imported-model.js";
import { importFolder } from "../../../lib/compiler/importer/model-folder.js";
import { Tokenizer } from "../../../lib/tokenizer/tokenizer.js";
import { readSafetensors } from "../../support/safetensors.js";
import { floatBytes, safetensorsOf, writeSafetensors } from "../../support/safetensors-writer.js";
import { sharedData } from "../../support/shared-data.js";

const root = mkdtempSync(path.join(tmpdir(), "model-folder-"));
afterAll(() => rmSync(root, { recursive: true }));
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(root, "m-"));
});

function write(files: Readonly<Record<string, unknown>>): void {
  for (const [name, content] of Object.entries(files)) {
    const isRaw = typeof content === "string" || content instanceof Uint8Array;
    writeFileSync(path.join(folder, name), isRaw ? content : JSON.stringify(content));
  }
}

const config = {
  model_type: "llama",
  hidden_size: 2,
  rope_scaling: null,
  unheard_of: { a: 1 },
  eos_token_id: 2,
};
const weights = writeSafetensors({
  a: { dtype: "F32", shape: [2, 2], data: floatBytes([1, 2, 3, 4]) },
  b: { dtype: "BF16", shape: [2], data: Uint8Array.of(0x80, 0x3f, 0x00, 0xc0) },
  c: { dtype: "F16", shape: [1, 2], data: Uint8Array.of(0x00, 0x3c, 0x00, 0xc0) },
  d: { dtype: "I64", shape: [1], data: new Uint8Array(8) },
});

const load = () => importFolder(folder, openByReading);

describe("a folder", () => {
  test("gives configuration, tensors, tokenizer, template and source", () => {
    write({
      "config.json": config,
      "model.safetensors": weights,
      "generation_config.json": {
        eos_token_id: [2, 7],
        temperature: 0.6,
        top_p: 0.9,
        top_k: 20,
        repetition_penalty: 1.1,
      },
      "tokenizer.json": {
        post_processor: { type: "TemplateProcessing", single: [{ SpecialToken: { id: "<s>" } }] },
      },
      "tokenizer_config.json": {
        eos_token: "</s>",
        chat_template: [
          { name: "tool_use", template: "T" },
          { name: "default", template: "D" },
        ],
      },
      "special_tokens_map.json": { bos_token: "<s>", eos_token: "other" },
      "LICENSE.txt": "free",
      "README.md": "---\ntags:\n- x\nlicense: apache-2.0\n---\n# Model",
    });
    const model = load();
    expect(model.config).toEqual({ ...config, eos_token_id: [2, 7] });
    expect(model.generation).toEqual({ temperature: 0.6, topP: 0.9, topK: 20, repetitionPenalty: 1.1 });
    expect(JSON.parse(model.tokenizer["tokenizer_config.json"] ?? "")).toMatchObject({
      bos_token: "<s>",
      eos_token: "</s>",
    });
    expect(model).toMatchObject({ addBos: true, chatTemplate: "D" });
    expect(model.source).toEqual({
      kind: "huggingface",
      path: folder,
      name: path.basename(folder),
      license: "apache-2.0",
      licenseFiles: [path.join(folder, "LICENSE.txt")],
    });
    expect(requireTensor(model, "a", [2, 2]).readRows(1, 1)).toEqual(Float32Array.of(3, 4));
    expect(requireTensor(model, "b").readRows(0, 2)).toEqual(Float32Array.of(1, -2));
    expect(requireTensor(model, "c").readRows(0, 1)).toEqual(Float32Array.of(1, -2));
    expect(requireTensor(model, "a").bytes().byteLength).toBe(16);
    expect(() => requireTensor(model, "d")).toThrowError(
      expect.objectContaining({ code: "ERR_UNSUPPORTED_FORMAT", message: expect.stringContaining("I64") }),
    );
  });

  test("of a Hugging Face cache knows its name and revision", () => {
    const revision = "0123456789abcdef0123456789abcdef01234567";
    folder = path.join(folder, "models--org--tiny-1", "snapshots", revision);
    mkdirSync(folder, { recursive: true });
    write({ "config.json": config, "model.safetensors": weights, "chat_template.jinja": "J" });
    const model = load();
    expect(model.source).toMatchObject({ name: "org/tiny-1", revision });
    expect(model).toMatchObject({ tokenizer: {}, addBos: false, chatTemplate: "J" });
  });

  test("with BERT's vocab.txt alone, whose texts begin with a control token", () => {
    write({
      "config.json": config,
      "model.safetensors": weights,
      "vocab.txt": "[UNK]\n[CLS]\n[SEP]\nWord\n",
      "tokenizer_config.json": { do_lower_case: false },
    });
    const { tokenizer, addBos } = load();
    expect(addBos).toBe(true);
    const [document, settings] = ["tokenizer.json", "tokenizer_config.json"].map((name): unknown =>
      JSON.parse(String(tokenizer[name as keyof typeof tokenizer])),
    );
    expect(new Tokenizer(document, settings, { addBos }).encode("Word word")).toEqual([1, 3, 0, 2]);
  });

  test("greedy by its generation_config.json", () => {
    write({
      "config.json": config,
      "model.safetensors": weights,
      "generation_config.json": { do_sample: false, temperature: 0.6 },
    });
    expect(load().generation).toEqual({ temperature: 0 });
  });

  test("with sharded weights", () => {
    const shard = (name: string, value: number) =>
      writeSafetensors({ [name]: { dtype: "F32", shape: [1], data: floatBytes([value]) } });
    write({
      "config.json": config,
      "model-1.safetensors": shard("x", 1),
      "model-2.safetensors": shard("y", 2),
      "model.safetensors.index.json": { weight_map: { x: "model-1.safetensors", y: "model-2.safetensors" } },
    });
    const model = load();
    expect(requireTensor(model, "x").readRows(0, 1)).toEqual(Float32Array.of(1));
    expect(requireTensor(model, "y").readRows(0, 1)).toEqual(Float32Array.of(2));
    model.close();
    expect(() => requireTensor(model, "y").bytes()).toThrowError(
      expect.objectContaining({ code: "ERR_DISPOSED" }),
    );
  });
});

describe("folders that cannot be imported", () => {
  const index = (weightMap: unknown) => ({
    "config.json": config,
    "s.safetensors": weights,
    "model.safetensors.index.json": { weight_map: weightMap },
  });
  const sound = { "config.json": config, "model.safetensors": weights };

  test.each<[string, Record<string, unknown>, string, RegExp]>([
    ["no config.json", { "model.safetensors": weights }, "ERR_MODEL_NOT_FOUND", /config\.json/],
    ["only a GGUF", { "x.gguf": "GGUF" }, "ERR_MODEL_NOT_FOUND", /name it: .*x\.gguf/],
    ["no weights", { "config.json": config }, "ERR_MODEL_NOT_FOUND", /model\.safetensors/],
    [
      "PyTorch weights",
      { "config.json": config, "pytorch_model.bin": "x" },
      "ERR_UNSUPPORTED_FORMAT",
      /pytorch_model\.bin.*safetensors/,
    ],
    ["config.json that is no JSON", { ...sound, "config.json": "{" }, "ERR_INVALID_MODEL", /config\.json/],
    [
      "a chat template nested without end",
      { ...sound, "tokenizer_config.json": `{"chat_template": ${"[".repeat(1e6)}${"]".repeat(1e6)}}` },
      "ERR_INVALID_MODEL",
      /chat_template/,
    ],
    [
      "a header value nested without end",
      { ...sound, "model.safetensors": safetensorsOf(`{"a": ${"[".repeat(1e6)}${"]".repeat(1e6)}}`) },
      "ERR_INVALID_MODEL",
      /object with dtype/,
    ],
    ["config.json that is no object", { ...sound, "config.json": "[]" }, "ERR_INVALID_MODEL", /JSON object/],
    [
      "config.json that is no text",
      { ...sound, "config.json": Uint8Array.of(0xff, 0xfe) },
      "ERR_INVALID_MODEL",
      /UTF-8/,
    ],
    [
      "a field of a wrong type",
      { ...sound, "config.json": { ...config, hidden_size: "2" } },
      "ERR_INVALID_MODEL",
      /"hidden_size".*"2"/,
    ],
    [
      "quantised weights",
      { ...sound, "config.json": { ...config, quantization_config: { quant_method: "gptq" } } },
      "ERR_UNSUPPORTED_FORMAT",
      /gptq/,
    ],
    [
      "only a SentencePiece tokenizer",
      { ...sound, "tokenizer.model": "x" },
      "ERR_UNSUPPORTED_FORMAT",
      /tokenizer\.json.*tokenizer\.model/,
    ],
    [
      "a tokenizer.json that is no JSON",
      { ...sound, "tokenizer.json": "x" },
      "ERR_INVALID_MODEL",
      /tokenizer\.json/,
    ],
    [
      "a chat template that is a number",
      { ...sound, "tokenizer_config.json": { chat_template: 5 } },
      "ERR_INVALID_MODEL",
      /chat_template/,
    ],
    ["a shard that is not there", index({ a: "t.safetensors" }), "ERR_MODEL_NOT_FOUND", /t\.safetensors/],
    [
      "a shard outside the folder",
      index({ a: "../s.safetensors" }),
      "ERR_INVALID_MODEL",
      /\.\.\/s\.safetensors/,
    ],
    ["a tensor its shard lacks", index({ q: "s.safetensors" }), "ERR_MISSING_TENSOR", /q.*s\.safetensors/],
    ["an index of nothing", index({}), "ERR_INVALID_MODEL", /at least one shard/],
    [
      "cut weights",
      { ...sound, "model.safetensors": weights.slice(0, -1) },
      "ERR_INVALID_MODEL",
      /model\.safetensors, tensor d/,
    ],
  ])("%s", (_, files, code, message) => {
    write(files);
    expect(load).toThrowError(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });

  test.each<[string, unknown, RegExp]>([
    ["an unknown dtype", { a: { dtype: "F99", shape: [1], data_offsets: [0, 4] } }, /dtype.*F99/],
    [
      "shape and bytes that disagree",
      { a: { dtype: "F32", shape: [3], data_offsets: [0, 4] } },
      /12 bytes of F32/,
    ],
    ["a negative size", { a: { dtype: "F32", shape: [-1], data_offsets: [0, 4] } }, /natural numbers/],
    ["offsets the wrong way round", { a: { dtype: "F32", shape: [1], data_offsets: [4, 0] } }, /begin, end/],
    ["a gap", { a: { dtype: "F32", shape: [0], data_offsets: [4, 4] } }, /right behind/],
    [
      "an overlap",
      {
        a: { dtype: "F32", shape: [1], data_offsets: [0, 4] },
        b: { dtype: "F32", shape: [1], data_offsets: [0, 4] },
      },
      /right behind/,
    ],
    ["bytes left over", {}, /to end at byte/],
    ["an entry that is no object", { a: 5 }, /object with dtype/],
    ["text that is no JSON", "{{", /JSON/],
  ])("a safetensors header with %s", (_, header, message) => {
    write({ "config.json": config, "model.safetensors": safetensorsOf(header, [new Uint8Array(4)]) });
    expect(load).toThrowError(
      expect.objectContaining({ code: "ERR_INVALID_MODEL", message: expect.stringMatching(message) }),
    );
  });

  test.each<[string, Uint8Array]>([
    ["shorter than its length field", Uint8Array.of(1, 2, 3)],
    ["with a length beyond the file", Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 0)],
  ])("a safetensors file %s", (_, bytes) => {
    write({ "config.json": config, "model.safetensors": bytes });
    expect(load).toThrowError(expect.objectContaining({ code: "ERR_INVALID_MODEL" }));
  });

  test.skipIf(process.getuid?.() === 0)("a folder without rights", () => {
    chmodSync(folder, 0);
    expect(load).toThrowError(expect.objectContaining({ code: "ERR_IO" }));
    chmodSync(folder, 0o700);
  });
});

describe("importModel", () => {
  test.each([
    ["hf:owner/name@main", "ERR_UNSUPPORTED_FORMAT", /not available yet/],
    ["/nowhere/at/all", "ERR_MODEL_NOT_FOUND", /nowhere/],
    [import.meta.filename, "ERR_UNSUPPORTED_FORMAT", /model folder or a \.gguf/],
  ])("%s is refused", async (source, code, message) => {
    await expect(importModel(source, openByReading)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});

const goldens = ["llama", "llama3-rope", "mistral", "qwen2", "qwen3"].map((name) =>
  sharedData("goldens", name),
);
describe.skipIf(goldens.includes(undefined))("the golden checkpoints", () => {
  test.each(goldens)("%s: every tensor equals an independent reader's", async (golden = "") => {
    const model = await importModel(golden, openByReading);
    const expected = readSafetensors(path.join(golden, "model.safetensors"));
    expect(model.tensors.size).toBe(expected.size);
    for (const [name, { shape, data }] of expected) {
      const tensor = requireTensor(model, name, shape);
      expect(tensor.readRows(0, shape[0] ?? 0)).toEqual(data);
    }
    model.close();
  });
});
