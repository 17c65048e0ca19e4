/** The default model's GGUF file through the importer: every weight, the rebuilt tokenizer, the configuration. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { importModel } from "../../lib/compiler/importer/import-model.js";
import type { ImportedModel } from "../../lib/compiler/importer/imported-model.js";
import { Tokenizer } from "../../lib/tokenizer/tokenizer.js";
import { sharedData } from "../support/shared-data.js";

const gguf = process.env.NODE_MLC_DEFAULT_MODEL;
const goldenFile = sharedData("smollm2-135m-instruct", "golden.json");
const tokenizerFolder = sharedData("smollm2-135m-instruct", "tokenizer-from-gguf");
const vectors = sharedData("tokenizers", "llama.cpp-vectors");

/**
 * SHA-256 over the sorted lines "ggufName sha256(float32 values)\n" of all 272 tensors, as gguf-py 0.19.0 dequantises them and
 * transformers' reverse_permute_weights orders the query and key rows.
 */
const REFERENCE_DIGEST = "886b33fe14639cea73f54acd540f4a57b14763de154d191c74b1bbe65875c45c";

/** Our names back to the file's, to sort as the reference does. */
const GGUF_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^model\.embed_tokens/, "token_embd"],
  [/^model\.norm/, "output_norm"],
  [/^model\.layers\.(\d+)\./, "blk.$1."],
  [/input_layernorm/, "attn_norm"],
  [/self_attn\.o_proj/, "attn_output"],
  [/self_attn\.(.)_proj/, "attn_$1"],
  [/post_attention_layernorm/, "ffn_norm"],
  [/mlp\.(\w+)_proj/, "ffn_$1"],
];

function digest(model: ImportedModel): string {
  const lines = [...model.tensors.values()].map((tensor) => {
    const values = tensor.readRows(0, tensor.shape[0] ?? 0);
    const name = GGUF_NAMES.reduce((text, [pattern, to]) => text.replace(pattern, to), tensor.name);
    return `${name} ${createHash("sha256").update(new Uint8Array(values.buffer)).digest("hex")}\n`;
  });
  return createHash("sha256").update(lines.sort().join("")).digest("hex");
}

describe.skipIf(gguf === undefined)("the default model's GGUF file", () => {
  it("gives the weights of the reference bit for bit", async () => {
    const model = await importModel(gguf ?? "");
    expect(model.tensors.size).toBe(272);
    expect(digest(model)).toBe(REFERENCE_DIGEST);
    model.close();
  });

  it("gives the configuration of the original", async () => {
    const model = await importModel(gguf ?? "");
    expect(model.config).toMatchObject({
      model_type: "llama",
      vocab_size: 49152,
      hidden_size: 576,
      intermediate_size: 1536,
      num_hidden_layers: 30,
      num_attention_heads: 9,
      num_key_value_heads: 3,
      head_dim: 64,
      max_position_embeddings: 8192,
      rope_theta: 100000,
      tie_word_embeddings: true,
      bos_token_id: 1,
      eos_token_id: [2],
      pad_token_id: 2,
    });
    expect(model.source).toMatchObject({ kind: "gguf", license: "apache-2.0" });
    expect(model.addBos).toBe(false);
    model.close();
  });

  it.skipIf(goldenFile === undefined || vectors === undefined || tokenizerFolder === undefined)(
    "gives the tokenizer and the chat template of the original",
    async () => {
      const { tokenizer, chatTemplate } = await importModel(gguf ?? "");
      const rebuilt = new Tokenizer(
        JSON.parse(tokenizer["tokenizer.json"] ?? ""),
        JSON.parse(tokenizer["tokenizer_config.json"] ?? ""),
      );
      const template = readFileSync(path.join(tokenizerFolder ?? "", "chat_template.jinja"), "utf8");
      expect(chatTemplate).toBe(template);
      const { cases } = JSON.parse(readFileSync(goldenFile ?? "", "utf8")) as {
        cases: { kind: string; prompt: string; prompt_ids: number[] }[];
      };
      for (const { prompt, prompt_ids } of cases.filter(({ kind }) => kind === "raw"))
        expect(rebuilt.encode(prompt)).toEqual(prompt_ids);
      const texts = readFileSync(path.join(vectors ?? "", "ggml-vocab-gpt-2.gguf.inp"), "utf8").split(
        "\n__ggml_vocab_test__\n",
      );
      const lines = readFileSync(path.join(vectors ?? "", "ggml-vocab-smollm.gguf.out"), "utf8").split("\n");
      expect(texts.length).toBeGreaterThanOrEqual(46);
      texts.forEach((text, index) => {
        const ids = (lines[index] ?? "").trim().split(/\s+/).filter(Boolean).map(Number);
        expect(rebuilt.encode(text, { addSpecial: false }), JSON.stringify(text)).toEqual(ids);
      });
    },
  );
});
