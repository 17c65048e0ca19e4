/** How embedding models say what they are: small folders as sentence-transformers writes them, and GGUF's pooling type. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { openByReading } from "../../../lib/compiler/importer/byte-source.js";
import { requireTensor } from "../../../lib/compiler/importer/imported-model.js";
import { importFolder } from "../../../lib/compiler/importer/model-folder.js";
import { floatBytes, writeSafetensors } from "../../support/safetensors-writer.js";
import { importTiny, withKey } from "../../support/tiny-gguf.js";

const root = mkdtempSync(path.join(tmpdir(), "sentence-transformers-"));
afterAll(() => rmSync(root, { recursive: true }));
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(root, "m-"));
  mkdirSync(path.join(folder, "1_Pooling"));
});

const one = (name: string) => ({ [name]: { dtype: "F32" as const, shape: [1], data: floatBytes([7]) } });

function load(files: Readonly<Record<string, unknown>>, tensors = one("model.embed_tokens.weight")) {
  const all = {
    "config.json": { model_type: "qwen3" },
    "model.safetensors": writeSafetensors(tensors),
    ...files,
  };
  for (const [name, content] of Object.entries(all)) {
    const raw = typeof content === "string" || content instanceof Uint8Array;
    writeFileSync(path.join(folder, name), raw ? content : JSON.stringify(content));
  }
  return importFolder(folder, openByReading);
}

const module = (kind: string, folderName: string, idx = 0) => ({
  idx,
  name: String(idx),
  path: folderName,
  type: `sentence_transformers.models.${kind}`,
});
const MODULES = [
  module("Transformer", ""),
  module("Pooling", "1_Pooling", 1),
  module("Normalize", "2_Normalize", 2),
];
const flags = (...set: string[]) =>
  Object.fromEntries(
    [
      "cls_token",
      "mean_tokens",
      "max_tokens",
      "mean_sqrt_len_tokens",
      "weightedmean_tokens",
      "lasttoken",
    ].map((name) => [`pooling_mode_${name}`, set.includes(name)]),
  );
const QWEN_PROMPTS = {
  query: "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:",
  document: "",
};

describe("a folder of sentence-transformers", () => {
  test("like Qwen3-Embedding's: last token, prompts, tensors without the model's prefix", () => {
    const model = load(
      {
        "modules.json": MODULES,
        "1_Pooling/config.json": { word_embedding_dimension: 8, ...flags("lasttoken"), include_prompt: true },
        "config_sentence_transformers.json": {
          prompts: QWEN_PROMPTS,
          default_prompt_name: null,
          similarity_fn_name: "cosine",
        },
      },
      { ...one("embed_tokens.weight"), ...one("layers.0.mlp.up_proj.weight"), ...one("norm.weight") },
    );
    expect(model.embedding).toEqual({ pooling: "last", prompts: QWEN_PROMPTS });
    expect([...model.tensors.keys()]).toEqual([
      "model.embed_tokens.weight",
      "model.layers.0.mlp.up_proj.weight",
      "model.norm.weight",
    ]);
    const tensor = requireTensor(model, "model.norm.weight", [1]);
    expect([tensor.name, ...tensor.readRows(0, 1)]).toEqual(["model.norm.weight", 7]);
    expect(tensor.bytes()).toHaveLength(4);
  });

  test.each([
    ["mean_tokens", "mean"],
    ["cls_token", "cls"],
    ["lasttoken", "last"],
  ])("with the pooling %s", (mode, pooling) => {
    const files = { "modules.json": MODULES.slice(0, 2), "1_Pooling/config.json": flags(mode) };
    expect(load(files).embedding).toEqual({ pooling });
  });

  test("in the newer form, with a limit and a default prompt", () => {
    const prompts = { query: "query: ", passage: "passage: " };
    const model = load({
      "modules.json": MODULES.map((part) => ({ ...part, type: part.type.replace("models", "base.modules") })),
      "1_Pooling/config.json": { embedding_dimension: 8, pooling_mode: "mean", include_prompt: true },
      "sentence_bert_config.json": { max_seq_length: 512, do_lower_case: false },
      "config_sentence_transformers.json": { prompts, default_prompt_name: "passage" },
    });
    expect(model.embedding).toEqual({ pooling: "mean", maxTokens: 512, prompts, defaultPrompt: "passage" });
    expect([...model.tensors.keys()]).toEqual(["model.embed_tokens.weight"]);
  });

  test("that is none says nothing of embeddings", () => {
    expect(
      load({ "config_sentence_transformers.json": { prompts: QWEN_PROMPTS } }).embedding,
    ).toBeUndefined();
    expect(load({ "modules.json": MODULES.slice(0, 1) }).embedding).toBeUndefined();
  });

  const pooled = { "modules.json": MODULES, "1_Pooling/config.json": flags("mean_tokens") };
  test.each<[string, Record<string, unknown>, string, RegExp]>([
    [
      "another module",
      { ...pooled, "modules.json": [...MODULES, module("Dense", "3_Dense", 3)] },
      "ERR_UNSUPPORTED_FORMAT",
      /Dense/,
    ],
    [
      "two poolings",
      { ...pooled, "modules.json": [...MODULES, module("Pooling", "1_Pooling", 3)] },
      "ERR_UNSUPPORTED_FORMAT",
      /one pooling/,
    ],
    [
      "another pooling",
      { ...pooled, "1_Pooling/config.json": flags("max_tokens") },
      "ERR_UNSUPPORTED_FORMAT",
      /max_tokens/,
    ],
    [
      "poolings together",
      { ...pooled, "1_Pooling/config.json": flags("mean_tokens", "cls_token") },
      "ERR_UNSUPPORTED_FORMAT",
      /cls_token/,
    ],
    [
      "no pooling at all",
      { ...pooled, "1_Pooling/config.json": flags() },
      "ERR_UNSUPPORTED_FORMAT",
      /one pooling of/,
    ],
    [
      "a name of every object",
      { ...pooled, "1_Pooling/config.json": { pooling_mode: "constructor" } },
      "ERR_UNSUPPORTED_FORMAT",
      /constructor/,
    ],
    [
      "prompts left out of the mean",
      { ...pooled, "1_Pooling/config.json": { ...flags("mean_tokens"), include_prompt: false } },
      "ERR_UNSUPPORTED_FORMAT",
      /include_prompt/,
    ],
    [
      "lower case",
      { ...pooled, "sentence_bert_config.json": { do_lower_case: true } },
      "ERR_UNSUPPORTED_FORMAT",
      /do_lower_case/,
    ],
    ["modules that are no list", { ...pooled, "modules.json": {} }, "ERR_INVALID_MODEL", /list of modules/],
    ["modules that are no JSON", { ...pooled, "modules.json": "[" }, "ERR_INVALID_MODEL", /JSON/],
    ["modules without a type", { ...pooled, "modules.json": [{ path: "" }] }, "ERR_INVALID_MODEL", /type/],
    [
      "a path that leads away",
      { ...pooled, "modules.json": [module("Pooling", "..")] },
      "ERR_INVALID_MODEL",
      /name of a folder/,
    ],
    [
      "no pooling configuration",
      { "modules.json": [module("Pooling", "1_Pooling")] },
      "ERR_INVALID_MODEL",
      /1_Pooling\/config\.json/,
    ],
    [
      "no pooling folder",
      { "modules.json": [module("Pooling", "2_Pooling")] },
      "ERR_MODEL_NOT_FOUND",
      /2_Pooling/,
    ],
    [
      "a limit that is no number",
      { ...pooled, "sentence_bert_config.json": { max_seq_length: "512" } },
      "ERR_INVALID_MODEL",
      /max_seq_length/,
    ],
    [
      "a prompt that is no text",
      { ...pooled, "config_sentence_transformers.json": { prompts: { query: 5 } } },
      "ERR_INVALID_MODEL",
      /prompt query/,
    ],
    [
      "a default that is no prompt",
      { ...pooled, "config_sentence_transformers.json": { prompts: {}, default_prompt_name: "query" } },
      "ERR_INVALID_MODEL",
      /default_prompt_name/,
    ],
  ])("with %s is refused", (_, files, code, message) => {
    expect(() => load(files)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});

describe("a GGUF file", () => {
  test.each([
    [undefined, undefined],
    [0, undefined],
    [1, { pooling: "mean" }],
    [2, { pooling: "cls" }],
    [3, { pooling: "last" }],
  ])("of the pooling type %s", (type, embedding) => {
    const model = importTiny(
      type === undefined ? {} : { metadata: withKey("llama.pooling_type", ["u32", type]) },
    );
    expect(model.embedding).toEqual(embedding);
  });

  test("that scores pairs of texts is refused", () => {
    expect(() => importTiny({ metadata: withKey("llama.pooling_type", ["u32", 4]) })).toThrow(
      expect.objectContaining({
        code: "ERR_UNSUPPORTED_FORMAT",
        message: expect.stringContaining("pooling_type"),
      }),
    );
  });
});
