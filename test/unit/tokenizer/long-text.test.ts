/** Long texts are encoded exactly and in time that grows with their length. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { Tokenizer as Library } from "@huggingface/tokenizers";
import { describe, expect, it } from "vitest";
import { Tokenizer } from "../../../lib/tokenizer/tokenizer.js";
import { WordSplitter } from "../../../lib/tokenizer/word-splitter.js";
import { sharedData } from "../../support/shared-data.js";

describe("WordSplitter", () => {
  it("cuts before word marks except where a piece spans the place", () => {
    const splitter = new WordSplitter(["▁a", "b▁c", undefined]);
    expect(splitter.split("▁a▁a")).toEqual(["▁a", "▁a"]);
    expect(splitter.split("▁ab▁c▁a")).toEqual(["▁ab▁c", "▁a"]);
    expect(splitter.split("▁▁▁a")).toEqual(["▁", "▁", "▁a"]);
    expect(new WordSplitter(["▁▁", "a"]).split("▁▁▁a")).toEqual(["▁▁▁a"]);
    expect(new WordSplitter(["a"]).split("▁a▁a")).toEqual(["▁a▁a"]);
  });
});

const folder = sharedData("tokenizers");
const corpus = sharedData("corpus", "wikitext-2", "test.txt");

describe.skipIf(folder === undefined || corpus === undefined)("1.25 MB of text", () => {
  const text = corpus === undefined ? "" : readFileSync(corpus, "utf8");
  const open = (name: string): Record<string, unknown> =>
    JSON.parse(readFileSync(path.join(folder ?? "", name, "tokenizer.json"), "utf8"));

  it.each(["gpt2", "smollm2", "qwen3", "phi3", "mistral-v3-hf"])("%s: quick and reversible", (name) => {
    const tokenizer = new Tokenizer(open(name));
    const start = performance.now();
    const ids = tokenizer.encode(text, { addSpecial: false });
    expect(performance.now() - start).toBeLessThan(15_000);
    expect(tokenizer.decode(ids)).toBe(text);
  });

  it.each(["gpt2", "phi3"])("%s: a hundred thousand equal characters", (name) => {
    const tokenizer = new Tokenizer(open(name));
    for (const character of [" ", "a", "\n", "!", "🦙"]) {
      const long = character.repeat(100_000);
      const start = performance.now();
      expect(tokenizer.decode(tokenizer.encode(long, { addSpecial: false }))).toBe(long);
      expect(performance.now() - start).toBeLessThan(10_000);
    }
  });

  it("phi3: cutting into words gives the library's ids for the uncut text", () => {
    const document = open("phi3");
    const part = text.slice(0, 100_000);
    const library = new Library(document, {});
    const uncut = library.encode(part, { add_special_tokens: false }).ids;
    // The corpus has the literal text "<unk>", which the library always takes for the control token.
    expect(new Tokenizer(document).encode(part, { addSpecial: false, parseSpecial: true })).toEqual(uncut);
  });
});
