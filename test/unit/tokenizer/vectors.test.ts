/** The choice of @huggingface/tokenizers, proved on llama.cpp's vectors: 46 texts with the ids of the originals. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { Tokenizer } from "../../../lib/tokenizer/tokenizer.js";
import { sharedData } from "../../support/shared-data.js";

const folder = sharedData("tokenizers");

/** Our tokenizer folder → llama.cpp's name of the same vocabulary. */
const VOCABULARIES = {
  gpt2: "gpt-2",
  smollm2: "smollm",
  qwen3: "qwen2",
  phi3: "phi-3",
} as const;

function load(name: string): Tokenizer {
  const read = (file: string): unknown =>
    JSON.parse(readFileSync(path.join(folder ?? "", name, file), "utf8"));
  return new Tokenizer(read("tokenizer.json"), name.startsWith("olmo") ? {} : read("tokenizer_config.json"));
}

function vectors(name: string): { text: string; ids: number[] }[] {
  const vectorFolder = path.join(folder ?? "", "llama.cpp-vectors");
  // The texts of smollm and tekken are those of the common list; only their ids are stored.
  const texts = readFileSync(path.join(vectorFolder, "ggml-vocab-gpt-2.gguf.inp"), "utf8").split(
    "\n__ggml_vocab_test__\n",
  );
  const lines = readFileSync(path.join(vectorFolder, `ggml-vocab-${name}.gguf.out`), "utf8").split("\n");
  return texts.map((text, index) => ({
    text,
    ids: (lines[index] ?? "").trim().split(/\s+/).filter(Boolean).map(Number),
  }));
}

describe.skipIf(folder === undefined)("vectors of llama.cpp", () => {
  for (const [ours, theirs] of Object.entries(VOCABULARIES)) {
    it(`${ours} gives the ids of ${theirs}`, () => {
      const tokenizer = load(ours);
      const cases = vectors(theirs);
      expect(cases.length).toBeGreaterThanOrEqual(46);
      const failures = cases.filter(
        ({ text, ids }) => tokenizer.encode(text, { addSpecial: false }).join() !== ids.join(),
      );
      expect(
        failures.map(({ text, ids }) => ({ text, ids, got: tokenizer.encode(text, { addSpecial: false }) })),
      ).toEqual([]);
    });
  }

  for (const name of ["gpt2", "smollm2", "qwen3", "phi3", "mistral-v3-hf", "olmo2-dolma2"]) {
    it(`${name} decodes every vector back to its text`, () => {
      const tokenizer = load(name);
      for (const { text } of vectors("gpt-2")) {
        const expected = name === "qwen3" ? text.normalize("NFC") : text;
        expect(tokenizer.decode(tokenizer.encode(text, { addSpecial: false }))).toBe(expected);
      }
    });
  }
});
