import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { byteVocabulary } from "../../../bench/gguf/byte-vocabulary.js";
import { MODEL_SHAPES, type ModelShape } from "../../../bench/gguf/model-shapes.js";
import { randomBlocks } from "../../../bench/gguf/random-blocks.js";
import { writeRandomGguf } from "../../../bench/gguf/random-gguf.js";
import { RANDOM_SCHEMES, randomTensors } from "../../../bench/gguf/tensor-list.js";
import { WIDE_SHAPE } from "../../support/model-shapes.js";
import { importBytes } from "../../support/tiny-gguf.js";

const folder = mkdtempSync(path.join(tmpdir(), "random-gguf-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Columns that are no whole blocks of 256. */
const narrow: ModelShape = {
  ...WIDE_SHAPE,
  architecture: "qwen2",
  hidden: 96,
  heads: 3,
  kvHeads: 1,
  feedForward: 160,
  qkvBias: true,
  preTokenizer: "qwen2",
};

function write(shape: ModelShape, scheme: (typeof RANDOM_SCHEMES)[number]): Uint8Array {
  const file = path.join(folder, "model.gguf");
  writeRandomGguf(file, "tiny", shape, scheme);
  return new Uint8Array(readFileSync(file));
}

/** Root of the mean square. */
function deviation(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

describe.each(RANDOM_SCHEMES)("%s", (scheme) => {
  test.each([
    ["wide", WIDE_SHAPE],
    ["narrow", narrow],
  ])("the importer reads the %s model back", (_, shape) => {
    const model = importBytes(write(shape, scheme));
    expect(model.config).toMatchObject({
      model_type: shape.architecture,
      vocab_size: 1000,
      hidden_size: shape.hidden,
      intermediate_size: shape.feedForward,
      num_hidden_layers: 3,
      num_attention_heads: shape.heads,
      num_key_value_heads: shape.kvHeads,
      max_position_embeddings: 8192,
      tie_word_embeddings: true,
      bos_token_id: 998,
      eos_token_id: [999],
    });
    expect(model.tensors.size).toBe(randomTensors(shape, scheme).length);
    for (const [name, tensor] of model.tensors) {
      const values = tensor.readRows(0, tensor.shape[0] ?? 0);
      const expected = name.endsWith("norm.weight") ? 1 : 0.02;
      expect(deviation(values) / expected, name).toBeGreaterThan(0.7);
      expect(deviation(values) / expected, name).toBeLessThan(1.4);
      expect(Math.abs(values.reduce((sum, value) => sum + value, 0) / values.length), name).toBeLessThan(
        expected === 1 ? 1.1 : 0.01,
      );
    }
    const tokenizer = JSON.parse(model.tokenizer["tokenizer.json"] ?? "");
    expect(Object.keys(tokenizer.model.vocab)).toHaveLength(1000);
    expect(tokenizer.model.merges).toHaveLength(1000 - 258);
  });
});

describe("types", () => {
  const typesOf = (shape: ModelShape, scheme: (typeof RANDOM_SCHEMES)[number]) =>
    new Map(randomTensors(shape, scheme).map(({ name, dtype }) => [name, dtype]));

  test("q4_0p: every matrix", () => {
    const matrices = randomTensors(narrow, "q4_0p").filter(({ content }) => content === "matrix");
    expect(new Set(matrices.map(({ dtype }) => dtype))).toEqual(new Set(["q4_0"]));
    expect(matrices).toHaveLength(1 + 3 * 7);
  });

  test("q4_0: the embedding as the head has it", () => {
    expect(typesOf(WIDE_SHAPE, "q4_0").get("token_embd.weight")).toBe("q6_k");
    expect(typesOf(narrow, "q4_0").get("token_embd.weight")).toBe("q8_0");
    expect(typesOf(WIDE_SHAPE, "q4_0").get("blk.0.ffn_down.weight")).toBe("q4_0");
  });

  test("q4_k_m: more bits in the outer eighths and every third layer, with substitutes", () => {
    const large = typesOf(MODEL_SHAPES["llama-3.2-1b"], "q4_k_m");
    const precise = Array.from({ length: 16 }, (_, layer) => layer).filter(
      (layer) => large.get(`blk.${layer}.ffn_down.weight`) === "q6_k",
    );
    expect(precise).toEqual([0, 1, 4, 7, 10, 13, 14, 15]);
    expect(large.get("blk.2.attn_v.weight")).toBe("q4_k");
    const small = typesOf(narrow, "q4_k_m");
    expect(small.get("blk.0.attn_q.weight")).toBe("q5_0");
    expect(small.get("token_embd.weight")).toBe("q8_0");
  });

  test("biases of Qwen", () => {
    expect(typesOf(narrow, "q4_0").get("blk.2.attn_k.bias")).toBe("f32");
    expect(typesOf(WIDE_SHAPE, "q4_0").has("blk.2.attn_k.bias")).toBe(false);
  });
});

describe("reproducible", () => {
  test("the same bytes every time, and nothing else is left", () => {
    const digest = createHash("sha256").update(write(narrow, "q4_k_m")).digest("hex");
    expect(digest).toBe(createHash("sha256").update(write(narrow, "q4_k_m")).digest("hex"));
    expect(digest).toMatchInlineSnapshot(
      `"c7725de79875da22acfd74917bf7192e350dee47ca1b5583e057be3c2be1c9cf"`,
    );
    expect(readdirSync(folder)).toEqual(["model.gguf"]);
  });

  test("pieces of any size give the same blocks", () => {
    const digest = (pieceBytes: number) => {
      const hash = createHash("sha256");
      let pieces = 0;
      for (const piece of randomBlocks("q6_k", 101, 7, pieceBytes)) {
        hash.update(piece);
        pieces++;
      }
      return { pieces, digest: hash.digest("hex") };
    };
    const [small, large] = [digest(1000), digest(1 << 20)];
    expect([small.pieces, large.pieces]).toEqual([26, 1]);
    expect(small.digest).toBe(large.digest);
  });

  test("a type that has no random blocks", () => {
    expect(() => [...randomBlocks("q2_k", 1, 0)]).toThrow(/random blocks/);
  });
});

describe("vocabulary", () => {
  test("every token once, every merge makes its token", () => {
    const { tokens, kinds, merges, bosTokenId, eosTokenId } = byteVocabulary(5000);
    expect(new Set(tokens).size).toBe(5000);
    expect([tokens[bosTokenId], tokens[eosTokenId]]).toEqual(["<|bos|>", "<|eos|>"]);
    expect(kinds.filter((kind) => kind === 3)).toHaveLength(2);
    expect(merges).toHaveLength(5000 - 258);
    expect(merges.every((merge, rank) => merge.replace(" ", "") === tokens[256 + rank])).toBe(true);
    expect(tokens[10]).toBe("Ċ");
    expect(tokens[32]).toBe("Ġ");
  });

  test("more than there are", () => {
    expect(() => byteVocabulary(500_000)).toThrow(RangeError);
  });
});
