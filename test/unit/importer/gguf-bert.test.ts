/** A BERT as a GGUF file and as a folder: one model. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openByReading } from "../../../lib/compiler/importer/byte-source.js";
import type { ImportedModel } from "../../../lib/compiler/importer/imported-model.js";
import { importFolder } from "../../../lib/compiler/importer/model-folder.js";
import { readModelConfig } from "../../../lib/compiler/models/registry.js";
import { Tokenizer } from "../../../lib/tokenizer/tokenizer.js";
import { type WrittenValue, writeGguf } from "../../support/gguf-writer.js";
import { PIECES, tinyBert, writeTinyBert } from "../../support/tiny-bert.js";
import { tinyBertGguf, wordPieceMetadata } from "../../support/tiny-bert-gguf.js";
import { importBytes } from "../../support/tiny-gguf.js";

const root = mkdtempSync(path.join(tmpdir(), "gguf-bert-"));
afterAll(() => rmSync(root, { recursive: true }));

const model = tinyBert();
const gguf = tinyBertGguf(model);
const load = (change: Record<string, WrittenValue | undefined> = {}) => {
  const keys = Object.entries({ ...gguf.metadata, ...change }).filter(([, value]) => value !== undefined);
  const metadata = Object.fromEntries(keys) as Record<string, WrittenValue>;
  return importBytes(writeGguf({ ...gguf, metadata }));
};

function tokenizerOf({ tokenizer, addBos }: Pick<ImportedModel, "tokenizer" | "addBos">): Tokenizer {
  const json = (name: string): unknown => JSON.parse(tokenizer[name] ?? "null");
  return new Tokenizer(json("tokenizer.json"), json("tokenizer_config.json"), { addBos });
}

const TEXTS = [
  "The cat sleeps on a sofa.",
  "UNHAPPY, playing?!",
  "rates rising in the rain xyz é É",
  "[SEP] the [CLS]",
  "##s ▁cat",
  "",
];

describe("a BERT as a GGUF file", () => {
  it("is the model of the folder: configuration, tensors, tokens", () => {
    const folder = importFolder(writeTinyBert(path.join(root, "folder"), model), openByReading);
    const file = load();
    expect(readModelConfig(file.config)).toEqual({
      ...readModelConfig(folder.config),
      layerNormEps: Math.fround(1e-12),
    });
    expect([...file.tensors.keys()].sort()).toEqual([...folder.tensors.keys()].sort());
    for (const [name, tensor] of file.tensors) {
      const same = folder.tensors.get(name);
      expect(tensor.shape).toEqual(same?.shape);
      expect(tensor.bytes()).toEqual(same?.bytes());
    }
    expect(file.embedding).toEqual({ pooling: "mean" });
    expect(file.addBos).toBe(true);
    const [own, other] = [tokenizerOf(file), tokenizerOf(folder)];
    for (const text of TEXTS) {
      expect(own.encode(text)).toEqual(other.encode(text));
      expect(own.decode(own.encode(text))).toBe(other.decode(other.encode(text)));
    }
    expect(own.encode("the unhappy cat").map((id) => PIECES[id])).toEqual(
      "[CLS] the un ##happy cat [SEP]".split(" "),
    );
    expect(own.pairTemplate).toEqual(other.pairTemplate);
    expect(own.specialIds).toEqual(other.specialIds);
  });

  it.each<[string, number, object]>([
    ["cls", 2, { embedding: { pooling: "cls" } }],
    ["none", 0, {}],
  ])("has the pooling %s", (_, type, expected) => {
    const { embedding } = load({ "bert.pooling_type": ["u32", type] });
    expect(embedding === undefined ? {} : { embedding }).toEqual(expected);
  });

  it.each<[string, Record<string, WrittenValue | undefined>, string, RegExp]>([
    ["a cross-encoder", { "bert.pooling_type": ["u32", 4] }, "ERR_UNSUPPORTED_FORMAT", /pairs of texts/],
    [
      "attention to the past",
      { "bert.attention.causal": ["bool", true] },
      "ERR_UNSUPPORTED_ARCHITECTURE",
      /causal/,
    ],
    [
      "no epsilon",
      { "bert.attention.layer_norm_epsilon": undefined },
      "ERR_INVALID_MODEL",
      /layer_norm_epsilon/,
    ],
    ["RoBERTa's tokenizer", { "tokenizer.ggml.model": ["string", "gpt2"] }, "ERR_UNSUPPORTED_FORMAT", /gpt2/],
    ["XLM-RoBERTa's", { "tokenizer.ggml.model": ["string", "t5"] }, "ERR_UNSUPPORTED_FORMAT", /t5/],
    ["experts", { "bert.expert_count": ["u32", 8] }, "ERR_UNSUPPORTED_ARCHITECTURE", /expert_count/],
    [
      "another encoder",
      { "general.architecture": ["string", "nomic-bert"] },
      "ERR_UNSUPPORTED_ARCHITECTURE",
      /llama, qwen2, qwen3, bert.*nomic-bert/,
    ],
  ])("is refused with %s", (_, change, code, message) => {
    expect(() => load(change)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  it("with a vocabulary alone, without its control tokens, is refused", () => {
    const tokens: WrittenValue = ["array", "string", ["▁a", "b"]];
    const kinds: WrittenValue = ["array", "i32", [1, 1]];
    const change = { "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": kinds };
    expect(() => load(change)).toThrow(expect.objectContaining({ code: "ERR_INVALID_MODEL" }));
  });
});

describe("the vocabulary of a GGUF file", () => {
  const control = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
  const spellings = (pieces: readonly string[], text: string, change: Record<string, WrittenValue> = {}) => {
    const all = [...control, ...pieces];
    const metadata = { ...gguf.metadata, ...wordPieceMetadata(all), ...change };
    const tokenizer = tokenizerOf(importBytes(writeGguf({ ...gguf, metadata })));
    return tokenizer.encode(text, { addSpecial: false }).map((id) => all[id]);
  };

  it("tells by its capitals, or by a key, whether texts keep theirs", () => {
    expect(spellings(["cafe", "##s"], "Cafés")).toEqual(["cafe", "##s"]);
    expect(spellings(["Café", "cafe"], "Café cafe")).toEqual(["Café", "cafe"]);
    const lowercase: WrittenValue = ["bool", true];
    const strip: WrittenValue = ["bool", false];
    expect(spellings(["Café", "cafe"], "Café", { "tokenizer.ggml.normalizer.lowercase": lowercase })).toEqual(
      ["cafe"],
    );
    expect(spellings(["café"], "Café", { "tokenizer.ggml.normalizer.strip_accents": strip })).toEqual([
      "café",
    ]);
  });

  it("may be an older file's: brackets without a mark, no kinds, another name of the separator", () => {
    const all = [...control, "[unused1]", "▁the", "s"];
    const {
      "tokenizer.ggml.token_type": _,
      "tokenizer.ggml.seperator_token_id": __,
      ...keys
    } = gguf.metadata;
    const metadata: Record<string, WrittenValue> = {
      ...keys,
      "tokenizer.ggml.tokens": ["array", "string", all],
      "tokenizer.ggml.separator_token_id": ["u32", 3],
    };
    const tokenizer = tokenizerOf(importBytes(writeGguf({ ...gguf, metadata })));
    expect(tokenizer.encode("Thes")).toEqual([2, 6, 7, 3]);
    expect(tokenizer.idToToken(5)).toBe("[unused1]");
    expect(tokenizer.idToToken(7)).toBe("##s");
  });
});
