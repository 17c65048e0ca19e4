/** The form a package holds a vocabulary in: the same tokens as from tokenizer.json, and damage is noticed. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { compactTokenizer } from "../../../lib/tokenizer/compact-files.js";
import { Tokenizer } from "../../../lib/tokenizer/tokenizer.js";
import { readVocabulary, VOCABULARY_FILE, writeVocabulary } from "../../../lib/tokenizer/vocabulary-file.js";
import { sharedData } from "../../support/shared-data.js";

/** A tokenizer of a package's files. */
function fromPackage(text: string): Tokenizer {
  const files = compactTokenizer(text);
  const vocabulary = files[VOCABULARY_FILE];
  expect(vocabulary).toBeInstanceOf(Uint8Array);
  return new Tokenizer(JSON.parse(String(files["tokenizer.json"])), {}, {}, vocabulary as Uint8Array);
}

const TINY = {
  model: {
    type: "BPE",
    unk_token: "?",
    fuse_unk: true,
    vocab: { a: 0, b: 1, ab: 2, "?": 3, c: 6, abab: 7, é: 8 },
    merges: ["a b", ["ab", "ab"]].map((merge) => (typeof merge === "string" ? merge : merge.join(" "))),
  },
  decoder: { type: "Fuse" },
  added_tokens: [
    { id: 9, content: "<end>", special: true },
    { id: 10, content: "c", special: false },
  ],
};

describe("a small vocabulary", () => {
  const tokenizer = fromPackage(JSON.stringify(TINY));

  it("merges by rank, leftmost first, and fuses what it cannot spell", () => {
    expect(tokenizer.encode("abababa")).toEqual([7, 2, 0]);
    expect(tokenizer.encode("xxayé")).toEqual([3, 0, 3, 8]);
  });

  it("has holes, and tokens on top of it", () => {
    expect(tokenizer.vocabularySize).toBe(11);
    expect([4, 5, 11].map((id) => tokenizer.idToToken(id))).toEqual([undefined, undefined, undefined]);
    expect([6, 7, 9, 10].map((id) => tokenizer.idToToken(id))).toEqual(["c", "abab", "<end>", "c"]);
    expect(tokenizer.tokenToId("c")).toBe(10);
    expect(tokenizer.tokenToId("cc")).toBeUndefined();
  });

  it("stays in tokenizer.json where a merge names what the vocabulary lacks", () => {
    const text = JSON.stringify({ ...TINY, model: { ...TINY.model, merges: ["a c"] } });
    expect(compactTokenizer(text)).toEqual({ "tokenizer.json": text });
  });
});

describe("a vocabulary file", () => {
  const vocabulary = {
    bytes: Buffer.from("abab"),
    offsets: Uint32Array.of(0, 1, 2, 4),
    merges: Int32Array.of(0, 1, 2),
  };
  const sound = writeVocabulary(vocabulary);

  it("gives back what was written, aligned in memory or not", () => {
    const shifted = new Uint8Array(sound.length + 1).subarray(1);
    shifted.set(sound);
    for (const file of [sound, shifted]) {
      const read = readVocabulary(file);
      expect(Buffer.from(read.bytes).toString()).toBe("abab");
      expect(read.offsets).toEqual(vocabulary.offsets);
      expect(read.merges).toEqual(vocabulary.merges);
    }
  });

  it("is refused where it is cut, longer, foreign or out of order", () => {
    const changed = (word: number, value: number) => {
      const file = Buffer.from(sound);
      file.writeUInt32LE(value, word * 4);
      return file;
    };
    const wrong = [
      ...[0, 3, 15, sound.length - 1].map((length) => sound.subarray(0, length)),
      Buffer.concat([sound, Buffer.from("x")]),
      ...[0, 1, 2, 3].flatMap((word) => [0, 1, 7, 0xffffffff].map((value) => changed(word, value))),
      changed(4, 1),
      changed(5, 3),
      changed(7, 5),
      changed(8, 0x80000000),
    ];
    for (const file of wrong) {
      if (Buffer.compare(Buffer.from(file), Buffer.from(sound)) === 0) continue;
      expect(() => readVocabulary(file)).toThrow(expect.objectContaining({ code: "ERR_INVALID_MODEL" }));
    }
  });
});

const folder = sharedData("tokenizers");
const corpus = sharedData("corpus", "wikitext-2", "test.txt");
describe.skipIf(folder === undefined || corpus === undefined)("real vocabularies", () => {
  const sample = corpus === undefined ? "" : readFileSync(corpus, "utf8").slice(0, 50_000);

  it.each(["gpt2", "smollm2", "qwen3", "phi3", "mistral-v3-hf", "olmo2-dolma2"])("%s", (name) => {
    const text = readFileSync(path.join(folder ?? "", name, "tokenizer.json"), "utf8");
    const [packed, plain] = [fromPackage(text), new Tokenizer(JSON.parse(text))];
    expect(packed.vocabularySize).toBe(plain.vocabularySize);
    for (let id = 0; id < plain.vocabularySize; id++) {
      if (packed.idToToken(id) !== plain.idToToken(id))
        expect(packed.idToToken(id)).toBe(plain.idToToken(id));
    }
    expect(packed.encode(sample)).toEqual(plain.encode(sample));
  });
});
