/** BERT's tokenizers: llama.cpp's vectors of bge, with the pieces of its vocabulary that they use, and what the originals do elsewhere. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { wordPieceDocument } from "../../../lib/compiler/importer/word-piece-vocabulary.js";
import { Tokenizer } from "../../../lib/tokenizer/tokenizer.js";
import { sharedData } from "../../support/shared-data.js";

const folder = sharedData("tokenizers", "llama.cpp-vectors");
const fixture = new URL("../../fixtures/bert-pieces.json", import.meta.url);
const ids = JSON.parse(readFileSync(fixture, "utf8")) as Record<string, number>;

/** vocab.txt of pieces with their ids; the lines between are pieces that no text has. */
function vocabularyText(pieces: Readonly<Record<string, number>>): string {
  const lines = Array.from({ length: Math.max(...Object.values(pieces)) + 1 }, (_, id) => `[unused${id}]`);
  for (const [piece, id] of Object.entries(pieces)) lines[id] = piece;
  return `${lines.join("\n")}\n`;
}

/** A tokenizer of control tokens (ids 0 to 4) and the given pieces. */
function tokenizerOf(pieces: readonly string[], config: Record<string, unknown> = {}): Tokenizer {
  const all = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ...pieces];
  return new Tokenizer(wordPieceDocument(all.join("\n"), config, "vocab.txt"));
}

const spellings = (tokenizer: Tokenizer, text: string) =>
  tokenizer.encode(text, { addSpecial: false }).map((id) => tokenizer.idToToken(id));

describe.skipIf(folder === undefined)("the vocabulary of bge", () => {
  const read = (end: string) =>
    readFileSync(path.join(folder ?? "", `ggml-vocab-bert-bge.gguf.${end}`), "utf8");
  const tokenizer = new Tokenizer(wordPieceDocument(vocabularyText(ids), {}, "vocab.txt"));

  it("gives the ids of llama.cpp's vectors", () => {
    const texts = read("inp").split("\n__ggml_vocab_test__\n");
    const lines = read("out").split("\n");
    expect(texts.length).toBeGreaterThanOrEqual(46);
    for (const [index, text] of texts.entries()) {
      const expected = (lines[index] ?? "").trim().split(/\s+/).filter(Boolean).map(Number);
      expect(tokenizer.encode(text, { addSpecial: false }), JSON.stringify(text)).toEqual(expected);
    }
  });

  it("puts [CLS] and [SEP] around a text, and decodes to text without them", () => {
    const encoded = tokenizer.encode("Hello, world!");
    expect(encoded).toEqual([101, 7592, 1010, 2088, 999, 102]);
    expect(tokenizer.decode(encoded)).toBe("hello, world!");
    expect(tokenizer.decode(encoded, { skipSpecial: false })).toBe("[CLS] hello, world! [SEP]");
  });

  it("a text's [SEP] is ordinary text unless it is asked for", () => {
    expect(tokenizer.encode("[SEP]", { addSpecial: false })).not.toContain(102);
    expect(tokenizer.encode("[SEP]", { addSpecial: false, parseSpecial: true })).toEqual([102]);
  });
});

describe("the normaliser", () => {
  it("lowers, strips accents, and each of the two alone", () => {
    const pieces = ["cafe", "café", "CAFE", "Café"];
    expect(spellings(tokenizerOf(pieces), "Café")).toEqual(["cafe"]);
    expect(spellings(tokenizerOf(pieces, { do_lower_case: false }), "Café")).toEqual(["Café"]);
    expect(spellings(tokenizerOf(pieces, { strip_accents: false }), "CAFÉ")).toEqual(["café"]);
    expect(spellings(tokenizerOf(pieces, { do_lower_case: false, strip_accents: true }), "CAFÉ")).toEqual([
      "CAFE",
    ]);
  });

  it("lowers each character alone: a sigma at the end is like others", () => {
    expect(spellings(tokenizerOf(["οδοσ"]), "ΟΔΟΣ")).toEqual(["οδοσ"]);
  });

  it("makes words of ideographs, those beyond the basic plane too, unless told not to", () => {
    const pieces = ["天", "𠀀", "天𠀀"];
    expect(spellings(tokenizerOf(pieces), "天𠀀")).toEqual(["天", "𠀀"]);
    expect(spellings(tokenizerOf(pieces, { tokenize_chinese_chars: false }), "天𠀀")).toEqual(["天𠀀"]);
  });

  it("drops control characters and reads all white space as spaces", () => {
    const text = "\u0000a\u200b\ufffdb\u0007\u00a0b\tb\u2003b\n";
    expect(spellings(tokenizerOf(["ab", "b"]), text)).toEqual(["ab", "b", "b", "b"]);
  });
});

describe("WordPiece", () => {
  it("takes the longest piece; a word that does not come out whole is unknown", () => {
    const tokenizer = tokenizerOf(["un", "##aff", "##able", "##a", "a"]);
    expect(spellings(tokenizer, "unaffable unaffible a")).toEqual(["un", "##aff", "##able", "[UNK]", "a"]);
    expect(spellings(tokenizer, "a".repeat(100)).length).toBe(100);
    expect(spellings(tokenizer, "a".repeat(101))).toEqual(["[UNK]"]);
  });

  it("a mark of SentencePiece in the vocabulary is a character like others", () => {
    expect(spellings(tokenizerOf(["a▁b", "▁", "##▁b", "a"]), "a▁b")).toEqual(["a▁b"]);
  });

  it("streams what it decodes at once, with punctuation and contractions joined", () => {
    const pieces = ["i", "##t", "n't", "'", "s", "do", "not", ".", "?", "(", "'s"];
    const tokenizer = tokenizerOf(pieces);
    const idsOf = (...names: string[]) => names.map((name) => tokenizer.tokenToId(name) ?? -1);
    const encoded = idsOf("i", "##t", "'s", "n't", "(", "do", "not", "?", ".");
    expect(tokenizer.decode(encoded)).toBe("it'sn't ( do not?.");
    const stream = tokenizer.stream();
    expect(encoded.map((id) => stream.push(id)).join("") + stream.finish()).toBe("it'sn't ( do not?.");
  });
});

describe("vocab.txt", () => {
  it("takes the control tokens' spellings from the configuration", () => {
    const config = { cls_token: "<s>", sep_token: { content: "</s>" }, unk_token: "<unk>" };
    const document = wordPieceDocument("<unk>\r\n<s>\r\n</s>\r\nword\r\n", config, "vocab.txt");
    const tokenizer = new Tokenizer(document);
    expect(tokenizer.encode("word other")).toEqual([1, 3, 0, 2]);
    expect([...tokenizer.specialIds].sort()).toEqual([0, 1, 2]);
  });

  it.each([
    [{}, "a\nb\n", "ERR_INVALID_MODEL", /\[UNK\]/],
    [{}, "[UNK]\nb\n", "ERR_INVALID_MODEL", /\[SEP\]|\[CLS\]/],
    [{ tokenizer_class: "BertJapaneseTokenizer" }, "[UNK]", "ERR_UNSUPPORTED_FORMAT", /BertJapanese/],
    [{ do_basic_tokenize: false }, "[UNK]", "ERR_UNSUPPORTED_FORMAT", /do_basic_tokenize/],
  ])("refuses %j with %j", (config, text, code, message) => {
    expect(() => wordPieceDocument(text, config, "vocab.txt")).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});
