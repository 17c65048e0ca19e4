import { describe, expect, test } from "vitest";
import { qkvSize } from "../../lib/compiler/models/decoder-config.js";
import { decoderParameters } from "../../lib/compiler/models/parameters.js";
import { architectureOfHuggingFace, readModelConfig } from "../../lib/compiler/models/registry.js";
import { inverseFrequencies } from "../../lib/compiler/models/rope.js";
import { MlcError } from "../../lib/errors.js";

const llama = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: 64,
  intermediate_size: 160,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 320,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  hidden_act: "silu",
  eos_token_id: [2, 7],
  bos_token_id: 1,
};

function errorOf(run: () => unknown): MlcError {
  try {
    run();
  } catch (error) {
    if (error instanceof MlcError) return error;
    throw error;
  }
  throw new Error("expected an error");
}

describe("Hugging Face configurations", () => {
  test("llama with both spellings of rotary settings", () => {
    const scaling = {
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 64,
    };
    const old = { ...llama, rope_theta: 5e5, rope_scaling: { ...scaling, rope_type: "llama3" } };
    const next = { ...llama, rope_parameters: { ...scaling, rope_theta: 5e5, rope_type: "llama3" } };
    const read = architectureOfHuggingFace(old).fromHuggingFace(old);
    expect(read).toEqual(architectureOfHuggingFace(next).fromHuggingFace(next));
    expect(read).toMatchObject({
      architecture: "llama",
      headDim: 16,
      ropeTheta: 5e5,
      ropeScaling: {
        type: "llama3",
        factor: 8,
        lowFreqFactor: 1,
        highFreqFactor: 4,
        originalContextLength: 64,
      },
      eosTokenIds: [2, 7],
      tieWordEmbeddings: false,
      qkvBias: false,
    });
    expect(read).not.toHaveProperty("padTokenId");
    expect(qkvSize(read)).toBe(8 * 16);
  });

  test("families differ in their traits", () => {
    const read = (architecture: string, extra: Record<string, unknown> = {}) => {
      const config = { ...llama, architectures: [architecture], ...extra };
      return architectureOfHuggingFace(config).fromHuggingFace(config);
    };
    expect(read("Qwen2ForCausalLM", { use_sliding_window: false, sliding_window: 99 })).toMatchObject({
      architecture: "qwen2",
      qkvBias: true,
      contextLength: 256,
    });
    expect(read("Qwen3ForCausalLM")).toMatchObject({ qkNorm: true, headDim: 128 });
  });

  test("sliding windows: every layer, none, from a layer on, or as listed", () => {
    const windows = (architecture: string, extra: Record<string, unknown>) => {
      const config = { ...llama, architectures: [architecture], ...extra };
      const read = architectureOfHuggingFace(config).fromHuggingFace(config);
      // A window does not shorten the context.
      expect(read.contextLength).toBe(256);
      return read.windows;
    };
    expect(windows("MistralForCausalLM", { sliding_window: 100 })).toEqual([100, 100]);
    expect(windows("MistralForCausalLM", { sliding_window: null })).toBeUndefined();
    const qwen = { use_sliding_window: true, sliding_window: 9 };
    expect(windows("Qwen2ForCausalLM", { ...qwen, use_sliding_window: false })).toBeUndefined();
    expect(windows("Qwen2ForCausalLM", qwen)).toBeUndefined();
    expect(windows("Qwen2ForCausalLM", { ...qwen, max_window_layers: 1 })).toEqual([undefined, 9]);
    const types = ["sliding_attention", "full_attention"];
    expect(windows("Qwen3ForCausalLM", { ...qwen, layer_types: types })).toEqual([9, undefined]);
    const refused = (extra: Record<string, unknown>) =>
      errorOf(() => windows("Qwen3ForCausalLM", { ...qwen, ...extra })).code;
    expect(refused({ layer_types: ["sliding_attention", "linear_attention"] })).toBe("ERR_UNSUPPORTED_FIELD");
    expect(refused({ layer_types: ["sliding_attention"] })).toBe("ERR_INVALID_MODEL");
    expect(refused({ max_window_layers: -1 })).toBe("ERR_INVALID_MODEL");
    expect(refused({ sliding_window: 0 })).toBe("ERR_INVALID_MODEL");
  });

  test("what would be ignored is refused", () => {
    const read = (extra: Record<string, unknown>) => () => {
      const config = { ...llama, ...extra };
      return architectureOfHuggingFace(config).fromHuggingFace(config);
    };
    expect(errorOf(read({ attention_bias: true })).message).toContain("attention_bias");
    expect(errorOf(read({ hidden_act: "gelu" })).code).toBe("ERR_UNSUPPORTED_FIELD");
    expect(errorOf(read({ rope_scaling: { rope_type: "yarn", factor: 4 } })).message).toContain('"yarn"');
    expect(errorOf(read({ partial_rotary_factor: 0.5 })).code).toBe("ERR_UNSUPPORTED_FIELD");
    expect(errorOf(read({ num_key_value_heads: 3 })).code).toBe("ERR_INVALID_MODEL");
    expect(errorOf(read({ hidden_size: "64" })).message).toContain("hidden_size");
    expect(errorOf(read({ hidden_size: undefined })).code).toBe("ERR_INVALID_MODEL");
    expect(errorOf(read({ rope_scaling: { rope_type: "llama3" } })).code).toBe("ERR_INVALID_MODEL");
  });

  test("an unknown architecture names what is supported", () => {
    const error = errorOf(() => readModelConfig({ architectures: ["BertForMaskedLM"], model_type: "bert" }));
    expect(error.code).toBe("ERR_UNSUPPORTED_ARCHITECTURE");
    expect(error.message).toMatch(
      /llama, mistral, qwen2, qwen3, bert, roberta but received "BertForMaskedLM, bert"/,
    );
    // A classifier shares the model_type of the causal model.
    expect(() =>
      architectureOfHuggingFace({ architectures: ["LlamaForSequenceClassification"], model_type: "llama" }),
    ).toThrow(MlcError);
  });
});

describe("rotary frequencies", () => {
  test("a GGUF file's divisors", () => {
    const config = { ...llama, rope_freq_factors: [1, 2, 4, 8, 8, 8, 8, 32] };
    const { ropeScaling } = architectureOfHuggingFace(config).fromHuggingFace(config);
    const plain = inverseFrequencies(16, 10000);
    const scaled = inverseFrequencies(16, 10000, ropeScaling);
    config.rope_freq_factors.forEach((factor, i) => {
      expect(scaled[i]).toBeCloseTo((plain[i] ?? 0) / factor, 9);
    });
    const short = { ...llama, rope_freq_factors: [1, 2] };
    expect(errorOf(() => architectureOfHuggingFace(short).fromHuggingFace(short)).code).toBe(
      "ERR_INVALID_MODEL",
    );
  });

  test("plain, linear and llama3", () => {
    const plain = inverseFrequencies(8, 10000);
    expect([...plain].map((value) => Number(value.toPrecision(6)))).toEqual([1, 0.1, 0.01, 0.001]);
    const linear = inverseFrequencies(8, 10000, { type: "linear", factor: 4 });
    expect(linear[0]).toBe(0.25);
    const scaled = inverseFrequencies(8, 10000, {
      type: "llama3",
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalContextLength: 64,
    });
    // 64 / wavelength: 10.2 turns (kept), 1.02 (blended), 0.1 and 0.01 (stretched by 8).
    const smooth = ((64 * 0.1) / (2 * Math.PI) - 1) / 3;
    expect(scaled[0]).toBe(1);
    expect(scaled[1]).toBeCloseTo(((1 - smooth) / 8 + smooth) * 0.1, 7);
    expect(scaled[2]).toBeCloseTo(0.01 / 8, 8);
    expect(scaled[3]).toBeCloseTo(0.001 / 8, 9);
  });
});

describe("parameter list", () => {
  test("order, shapes and what the traits add", () => {
    const config = architectureOfHuggingFace(llama).fromHuggingFace(llama);
    const names = (parameters = decoderParameters(config)) => parameters.map((parameter) => parameter.name);
    expect(names().slice(0, 5)).toEqual([
      "model.embed_tokens.weight",
      "rope.inv_freq",
      "model.layers.0.input_layernorm.weight",
      "model.layers.0.self_attn.q_proj.weight",
      "model.layers.0.self_attn.k_proj.weight",
    ]);
    expect(names().at(-1)).toBe("lm_head.weight");
    expect(names(decoderParameters({ ...config, tieWordEmbeddings: true })).at(-1)).toBe("model.norm.weight");
    const qwen = decoderParameters({ ...config, qkvBias: true, qkNorm: true });
    const shape = (name: string) => qwen.find((parameter) => parameter.name.endsWith(name))?.shape;
    expect(shape("0.self_attn.k_proj.bias")).toEqual([32]);
    expect(shape("1.self_attn.q_norm.weight")).toEqual([16]);
    expect(shape("1.mlp.down_proj.weight")).toEqual([64, 160]);
    expect(new Set(names(qwen)).size).toBe(qwen.length);
  });
});
