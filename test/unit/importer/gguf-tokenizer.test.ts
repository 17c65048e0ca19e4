import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { MemorySource } from "../../../lib/compiler/importer/byte-source.js";
import { readGgufFile } from "../../../lib/compiler/importer/gguf-file.js";
import { rebuildTokenizer } from "../../../lib/compiler/importer/gguf-tokenizer.js";
import type { ImportedTokenizer } from "../../../lib/compiler/importer/imported-model.js";
import { Tokenizer } from "../../../lib/tokenizer/tokenizer.js";
import { bytePairMetadata, sentencePieceMetadata } from "../../support/gguf-vocabulary.js";
import { type WrittenValue, writeGguf } from "../../support/gguf-writer.js";
import { sharedData } from "../../support/shared-data.js";
import { wordPieceMetadata } from "../../support/tiny-bert-gguf.js";

const tokenizers = sharedData("tokenizers");
const stories = sharedData("stories260K");

function json(...segments: string[]): unknown {
  return JSON.parse(readFileSync(path.join(...segments), "utf8"));
}

function rebuild(metadata: Record<string, WrittenValue>): ImportedTokenizer {
  return rebuildTokenizer(readGgufFile(new MemorySource(writeGguf({ metadata }))).metadata);
}

function load({ tokenizer }: ImportedTokenizer): Tokenizer {
  return new Tokenizer(
    JSON.parse(tokenizer["tokenizer.json"] ?? "null"),
    JSON.parse(tokenizer["tokenizer_config.json"] ?? "null"),
  );
}

/** llama.cpp's texts with its ids for a vocabulary; all vocabularies share the texts. */
function vectors(name: string): { text: string; ids: string }[] {
  const folder = path.join(tokenizers ?? "", "llama.cpp-vectors");
  const texts = readFileSync(path.join(folder, "ggml-vocab-gpt-2.gguf.inp"), "utf8").split(
    "\n__ggml_vocab_test__\n",
  );
  const lines = readFileSync(path.join(folder, `ggml-vocab-${name}.gguf.out`), "utf8").split("\n");
  return texts.map((text, index) => ({
    text,
    ids: (lines[index] ?? "").trim().split(/\s+/).filter(Boolean).join(),
  }));
}

function expectVectors(tokenizer: Tokenizer, name: string): void {
  const cases = vectors(name);
  expect(cases.length).toBeGreaterThanOrEqual(46);
  for (const { text, ids } of cases)
    expect(tokenizer.encode(text, { addSpecial: false }).join(), JSON.stringify(text)).toBe(ids);
}

describe.skipIf(tokenizers === undefined)("tokenizers rebuilt from GGUF metadata", () => {
  test.each([
    ["gpt2", "gpt-2", "gpt-2"],
    ["smollm2", "smollm", "smollm"],
    ["qwen3", "qwen2", "qwen2"],
  ])("%s gives llama.cpp's ids", (folder, pre, vocabulary) => {
    const original = json(tokenizers ?? "", folder, "tokenizer.json");
    expectVectors(load(rebuild(bytePairMetadata(original, pre))), vocabulary);
  });

  test("a SentencePiece vocabulary gives llama.cpp's ids and begins with bos", () => {
    const rebuilt = rebuild(sentencePieceMetadata(json(tokenizers ?? "", "phi3", "tokenizer.json")));
    const tokenizer = load(rebuilt);
    expectVectors(tokenizer, "phi-3");
    expect(rebuilt.addBos).toBe(true);
    expect(tokenizer.encode("Hello", { addSpecial: true })[0]).toBe(1);
    expect(tokenizer.decode(tokenizer.encode("Hello  wörld 🦙"))).toBe("Hello  wörld 🦙");
  });

  test("a WordPiece vocabulary gives llama.cpp's ids", () => {
    const fixture = new URL("../../fixtures/bert-pieces.json", import.meta.url);
    const ids = JSON.parse(readFileSync(fixture, "utf8")) as Record<string, number>;
    const pieces = Array.from({ length: Math.max(...Object.values(ids)) + 1 }, (_, id) => `[unused${id}]`);
    for (const [piece, id] of Object.entries(ids)) pieces[id] = piece;
    const tokenizer = load(rebuild(wordPieceMetadata(pieces)));
    expectVectors(tokenizer, "bert-bge");
    expect(tokenizer.encode("Hello, world!")).toEqual([101, 7592, 1010, 2088, 999, 102]);
  });

  test("merges found from scores are those of the original", () => {
    const original = json(tokenizers ?? "", "phi3", "tokenizer.json") as {
      model: { merges: (string | string[])[] };
    };
    const rebuilt = rebuild(sentencePieceMetadata(original));
    const { model } = JSON.parse(rebuilt.tokenizer["tokenizer.json"] ?? "") as {
      model: { merges: string[][] };
    };
    // Runs of spaces all have one score in the original, which ranks here cannot say.
    const joined = (merges: readonly (string | string[])[]) =>
      merges
        .map((merge) => (typeof merge === "string" ? merge : merge.join(" ")))
        .filter((merge) => !/^▁+ ▁+$/.test(merge))
        .join("\n");
    expect(joined(model.merges) === joined(original.model.merges)).toBe(true);
  });

  test("control and user-defined tokens are found in a text", () => {
    const original = json(tokenizers ?? "", "qwen3", "tokenizer.json");
    const tokenizer = load(rebuild(bytePairMetadata(original, "qwen2")));
    const text = "<|im_start|>user\nHi<|im_end|>\n<think>";
    const expected = new Tokenizer(original, json(tokenizers ?? "", "qwen3", "tokenizer_config.json"));
    expect(tokenizer.encode(text)).toEqual(expected.encode(text));
  });
});

describe.skipIf(stories === undefined)("a small SentencePiece vocabulary", () => {
  test("gives the ids of the original on the golden texts", () => {
    const original = json(stories ?? "", "hf", "tokenizer.json");
    const rebuilt = load(rebuild(sentencePieceMetadata(original)));
    const expected = new Tokenizer(original, json(stories ?? "", "hf", "tokenizer_config.json"));
    const text = readFileSync(path.join(stories ?? "", "golden.json"), "utf8");
    expect(rebuilt.encode(text)).toEqual(expected.encode(text));
  });
});

const tiny = {
  "tokenizer.ggml.model": ["string", "gpt2"],
  "tokenizer.ggml.pre": ["string", "llama-bpe"],
  "tokenizer.ggml.tokens": ["array", "string", ["a", "b", "ab", "<s>", "__proto__"]],
  "tokenizer.ggml.token_type": ["array", "i32", [1, 1, 1, 3, 1]],
  "tokenizer.ggml.merges": ["array", "string", ["a b"]],
  "tokenizer.ggml.bos_token_id": ["u32", 3],
} satisfies Record<string, WrittenValue>;

test("flags, special tokens and the chat template come from the metadata", () => {
  const rebuilt = rebuild({ ...tiny, "tokenizer.chat_template": ["string", "{{ x }}"] });
  expect(rebuilt.addBos).toBe(true);
  expect(rebuilt.chatTemplate).toBe("{{ x }}");
  expect(JSON.parse(rebuilt.tokenizer["tokenizer_config.json"] ?? "")).toMatchObject({
    bos_token: "<s>",
    add_bos_token: true,
  });
  expect(load(rebuilt).encode("ab", { addSpecial: true })).toEqual([3, 2]);
  const document = JSON.parse(rebuilt.tokenizer["tokenizer.json"] ?? "") as {
    model: { vocab: object; ignore_merges: boolean };
  };
  expect(Object.entries(document.model.vocab)).toContainEqual(["__proto__", 4]);
  expect(document.model.ignore_merges).toBe(true);
  const without = rebuild({ ...tiny, "tokenizer.ggml.add_bos_token": ["bool", false] });
  expect(without.addBos).toBe(false);
  expect(load(without).encode("ab", { addSpecial: true })).toEqual([2]);
});

test("a file without a vocabulary has no tokenizer", () => {
  expect(rebuild({}).tokenizer).toEqual({});
  expect(rebuild({ "tokenizer.ggml.model": ["string", "no_vocab"] }).tokenizer).toEqual({});
});

test.each<[string, Record<string, WrittenValue>, string]>([
  ["another kind", { ...tiny, "tokenizer.ggml.model": ["string", "rwkv"] }, "ERR_UNSUPPORTED_FORMAT"],
  [
    "an unknown pre-tokenizer",
    { ...tiny, "tokenizer.ggml.pre": ["string", "nosuch"] },
    "ERR_UNSUPPORTED_FORMAT",
  ],
  [
    "a merge of one token",
    { ...tiny, "tokenizer.ggml.merges": ["array", "string", ["ab"]] },
    "ERR_INVALID_MODEL",
  ],
  [
    "too few token types",
    { ...tiny, "tokenizer.ggml.token_type": ["array", "i32", [1]] },
    "ERR_INVALID_MODEL",
  ],
  [
    "a bos id beyond the vocabulary",
    { ...tiny, "tokenizer.ggml.bos_token_id": ["u32", 99] },
    "ERR_INVALID_MODEL",
  ],
  [
    "tokens that are numbers",
    { ...tiny, "tokenizer.ggml.tokens": ["array", "u8", [1, 2]] },
    "ERR_INVALID_MODEL",
  ],
  ["no scores", { ...tiny, "tokenizer.ggml.model": ["string", "llama"] }, "ERR_INVALID_MODEL"],
])("%s is one clear error", (_, metadata, code) => {
  expect(() => rebuild(metadata)).toThrowError(expect.objectContaining({ code }));
});
