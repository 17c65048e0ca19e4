import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openByReading } from "../../../lib/compiler/importer/byte-source.js";
import { importGguf } from "../../../lib/compiler/importer/gguf-model.js";
import { requireTensor } from "../../../lib/compiler/importer/imported-model.js";
import { type WrittenValue, writeGguf } from "../../support/gguf-writer.js";
import {
  floatTensor,
  importBytes,
  importTiny,
  ramp,
  replaced,
  TINY,
  tinyMetadata,
  tinyTensors,
  withKey,
} from "../../support/tiny-gguf.js";

const folder = mkdtempSync(path.join(tmpdir(), "gguf-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("a whole file", () => {
  test.each([2, 3])("version %d: configuration, names, tokenizer, source", (version) => {
    const model = importTiny({ version });
    expect(model.config).toMatchObject({
      model_type: "llama",
      vocab_size: 8,
      hidden_size: 32,
      intermediate_size: 64,
      num_hidden_layers: 1,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: 8,
      max_position_embeddings: 128,
      rope_theta: 10000,
      rope_scaling: null,
      tie_word_embeddings: true,
      attention_bias: false,
      bos_token_id: 4,
      eos_token_id: [5, 6],
    });
    expect(model.config.rms_norm_eps).toBeCloseTo(1e-5, 10);
    expect([...model.tensors.keys()].sort()).toEqual([
      "model.embed_tokens.weight",
      "model.layers.0.input_layernorm.weight",
      "model.layers.0.mlp.down_proj.weight",
      "model.layers.0.mlp.gate_proj.weight",
      "model.layers.0.mlp.up_proj.weight",
      "model.layers.0.post_attention_layernorm.weight",
      "model.layers.0.self_attn.k_proj.weight",
      "model.layers.0.self_attn.o_proj.weight",
      "model.layers.0.self_attn.q_proj.weight",
      "model.layers.0.self_attn.v_proj.weight",
      "model.norm.weight",
    ]);
    expect(model.source).toMatchObject({ kind: "gguf", name: "Tiny", license: "apache-2.0" });
    expect(Object.keys(model.tokenizer)).toEqual(["tokenizer.json", "tokenizer_config.json"]);
    expect(requireTensor(model, "model.norm.weight", [32]).readRows(1, 2)).toEqual(Float32Array.of(3, 4));
    expect(requireTensor(model, "model.layers.0.mlp.up_proj.weight", [64, 32]).readRows(1, 1)).toEqual(
      Float32Array.from(ramp(32, 10 + 32)),
    );
  });

  test("another alignment", () => {
    const metadata = { ...tinyMetadata, "general.alignment": ["u32", 256] } satisfies Record<
      string,
      WrittenValue
    >;
    const model = importBytes(writeGguf({ metadata, alignment: 256, tensors: tinyTensors }));
    expect(requireTensor(model, "model.norm.weight").readRows(0, 1)).toEqual(Float32Array.of(2));
  });

  test("metadata of every type is read", () => {
    const metadata: Record<string, WrittenValue> = {
      ...tinyMetadata,
      "x.u8": ["u8", 255],
      "x.i8": ["i8", -1],
      "x.u16": ["u16", 65535],
      "x.i16": ["i16", -2],
      "x.i32": ["i32", -3],
      "x.u64": ["u64", 2n ** 63n],
      "x.i64": ["i64", -(2n ** 62n)],
      "x.f64": ["f64", 0.1],
      "x.bool": ["bool", true],
      "x.nested": [
        "array",
        "array",
        [
          ["u16", [1, 2]],
          ["string", ["a"]],
        ],
      ],
      "x.doubles": ["array", "f64", [0.5]],
      "x.flags": ["array", "bool", [true, false]],
      "llama.context_length": ["u64", 4096],
      "llama.attention.head_count_kv": ["array", "u32", [2, 2]],
    };
    expect(importTiny({ metadata }).config).toMatchObject({
      max_position_embeddings: 4096,
      num_key_value_heads: 2,
    });
  });
});

describe("rotary rows", () => {
  /** llama.cpp's converter: reshape(heads, 2, D/2).swapaxes(1, 2), on row numbers. */
  function interleaved(rows: number, heads: number): number[] {
    const dimension = rows / heads;
    const stored: number[] = [];
    for (let head = 0; head < heads; head++)
      for (let pair = 0; pair < dimension / 2; pair++)
        for (let side = 0; side < 2; side++) stored.push(head * dimension + side * (dimension / 2) + pair);
    return stored;
  }

  test.each([
    ["q", TINY.heads],
    ["k", TINY.kvHeads],
  ] as const)("%s of the llama architecture come back in Hugging Face's order", (part, heads) => {
    const rows = heads * TINY.headDim;
    // Each row holds its Hugging Face row number.
    const values = interleaved(rows, heads).flatMap((row) => Array.from({ length: TINY.hidden }, () => row));
    const data = new Uint8Array(Float32Array.from(values).buffer);
    const tensors = replaced(`blk.0.attn_${part}.weight`, { data });
    const tensor = requireTensor(importTiny({ tensors }), `model.layers.0.self_attn.${part}_proj.weight`);
    const expected = Float32Array.from({ length: rows * TINY.hidden }, (_, i) => Math.floor(i / TINY.hidden));
    expect(tensor.readRows(0, rows)).toEqual(expected);
    expect(tensor.readRows(3, 2)).toEqual(expected.slice(3 * TINY.hidden, 5 * TINY.hidden));
    expect(new Float32Array(tensor.bytes().slice().buffer)).toEqual(expected);
  });

  test("quantised rows move as a whole", () => {
    const rows = TINY.heads * TINY.headDim;
    const block = (row: number) => Uint8Array.from([0, 0x3c, ...ramp(32, 0).fill(row)]);
    const data = new Uint8Array(Buffer.concat(interleaved(rows, TINY.heads).map(block)));
    const tensors = replaced("blk.0.attn_q.weight", { type: 8, data });
    const tensor = requireTensor(importTiny({ tensors }), "model.layers.0.self_attn.q_proj.weight");
    expect(tensor.dtype).toBe("q8_0");
    expect([...tensor.bytes()].filter((_, i) => i % 34 === 2)).toEqual(ramp(rows, 0));
    expect(tensor.readRows(5, 1)).toEqual(new Float32Array(32).fill(5));
  });

  test("qwen rows stay as they are", () => {
    const metadata = Object.fromEntries(
      Object.entries(withKey("general.architecture", ["string", "qwen3"])).map(([key, value]) => [
        key.replace(/^llama\./, "qwen3."),
        value,
      ]),
    );
    const model = importTiny({ metadata });
    expect(model.config.model_type).toBe("qwen3");
    expect(requireTensor(model, "model.layers.0.self_attn.q_proj.weight").readRows(1, 1)).toEqual(
      Float32Array.from(ramp(32, 4 + 32)),
    );
  });
});

describe("configuration", () => {
  test("rope_freqs.weight becomes factors of the configuration", () => {
    const tensors = [...tinyTensors, floatTensor("rope_freqs.weight", 4, 0, 1)];
    const model = importTiny({ tensors });
    expect(model.config.rope_freq_factors).toEqual([1, 2, 3, 4]);
    expect(model.tensors.has("rope_freqs.weight")).toBe(false);
  });

  test("an output tensor unties the head; a window makes it Mistral", () => {
    const tensors = [...tinyTensors, floatTensor("output.weight", TINY.vocab, TINY.hidden)];
    const metadata = { ...tinyMetadata, "llama.attention.sliding_window": ["u32", 64] } satisfies Record<
      string,
      WrittenValue
    >;
    const model = importTiny({ tensors, metadata });
    expect(model.config).toMatchObject({
      tie_word_embeddings: false,
      model_type: "mistral",
      sliding_window: 64,
    });
    expect(model.tensors.has("lm_head.weight")).toBe(true);
  });

  test("linear scaling, partial rotation and biases are reported, for the architecture to judge", () => {
    const tensors = [...tinyTensors, floatTensor("blk.0.attn_q.bias", 32, 0)];
    const metadata = {
      ...tinyMetadata,
      "llama.rope.scaling.type": ["string", "linear"],
      "llama.rope.scaling.factor": ["f32", 2],
      "llama.rope.dimension_count": ["u32", 4],
    } satisfies Record<string, WrittenValue>;
    expect(importTiny({ tensors, metadata }).config).toMatchObject({
      rope_scaling: { rope_type: "linear", factor: 2 },
      partial_rotary_factor: 0.5,
      attention_bias: true,
    });
  });
});

describe("split files", () => {
  const stem = path.join(folder, "tiny");
  const parts = [tinyTensors.slice(0, 4), tinyTensors.slice(4)];
  function write(count = 2, second = 1): void {
    parts.forEach((tensors, index) => {
      const split: Record<string, WrittenValue> = {
        "split.no": ["u16", index === 0 ? 0 : second],
        "split.count": ["u16", count],
        "split.tensors.count": ["i32", tinyTensors.length],
      };
      const metadata = index === 0 ? { ...tinyMetadata, ...split } : split;
      writeFileSync(`${stem}-0000${index + 1}-of-00002.gguf`, writeGguf({ metadata, tensors }));
    });
  }

  test("are read together", () => {
    write();
    const model = importGguf(`${stem}-00001-of-00002.gguf`, openByReading);
    expect(model.tensors.size).toBe(tinyTensors.length);
    expect(requireTensor(model, "model.layers.0.mlp.down_proj.weight").readRows(0, 1)[0]).toBe(11);
    model.close();
    expect(() => requireTensor(model, "model.norm.weight").bytes()).toThrowError(
      expect.objectContaining({ code: "ERR_DISPOSED" }),
    );
  });

  test("begin with the first part", () => {
    write();
    expect(() => importGguf(`${stem}-00002-of-00002.gguf`, openByReading)).toThrowError(/first part/);
  });

  test("with a wrong or missing part are refused", () => {
    write(2, 2);
    expect(() => importGguf(`${stem}-00001-of-00002.gguf`, openByReading)).toThrowError(/part 2 of 2/);
    rmSync(`${stem}-00002-of-00002.gguf`);
    expect(() => importGguf(`${stem}-00001-of-00002.gguf`, openByReading)).toThrowError(
      expect.objectContaining({ code: "ERR_MODEL_NOT_FOUND" }),
    );
  });
});

test("a tensor that is not there, or has another shape, is named", () => {
  const model = importTiny();
  expect(() => requireTensor(model, "lm_head.weight")).toThrowError(
    expect.objectContaining({
      code: "ERR_MISSING_TENSOR",
      message: expect.stringContaining("lm_head.weight"),
    }),
  );
  expect(() => requireTensor(model, "model.norm.weight", [64])).toThrowError(
    /\[64\].*model\.norm\.weight.*\[32\]/,
  );
  expect(() => requireTensor(model, "model.norm.weight").readRows(30, 3)).toThrowError(/rows within 0 to 32/);
});
