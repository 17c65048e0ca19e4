import { describe, expect, test } from "vitest";
import {
  packedBytes,
  packedShape,
  WEIGHT_FORMATS,
  type WeightFormat,
} from "../../../lib/compiler/quantization/format.js";
import {
  defaultScheme,
  quantizationScheme,
  SCHEME_NAMES,
} from "../../../lib/compiler/quantization/registry.js";
import { chooseFormat } from "../../../lib/compiler/quantization/scheme.js";

const LINEAR = "model.layers.3.self_attn.q_proj.weight";
const choose = (
  scheme: string,
  dtype: Parameters<typeof chooseFormat>[1]["dtype"],
  name = LINEAR,
  shape = [64, 64],
) => chooseFormat(quantizationScheme(scheme), { name, shape, dtype });

test("the names users know are there, others are refused with the list", () => {
  expect(SCHEME_NAMES).toEqual([
    "q0f32",
    "q0f16",
    "q0bf16",
    "q8_0",
    "q4_1",
    "q4_0",
    "q4f16_1",
    "q4f32_1",
    "keep",
  ]);
  expect(() => quantizationScheme("q5_1")).toThrow(
    /Expected one of the quantizations q0f32, .* received "q5_1"/,
  );
});

describe("a float source", () => {
  test.each([
    ["q0f32", "f32", "f32"],
    ["q0f16", "f16", "f16"],
    ["q0bf16", "bf16", "bf16"],
    ["q8_0", "q8_0", "q8_0"],
    ["q4_1", "q4_1", "q8_0"],
    ["q4_0", "q4_0", "q8_0"],
    ["q4f16_1", "q4f16_1", "q4f16_1"],
    ["q4f32_1", "q4f32_1", "q4f32_1"],
  ])("under %s: linear weights %s, embedding and head %s", (scheme, linear, embedding) => {
    for (const dtype of ["f32", "f16", "bf16"] as const) {
      expect(choose(scheme, dtype)).toEqual({ format: linear });
      expect(choose(scheme, dtype, "model.embed_tokens.weight")).toEqual({ format: embedding });
      expect(choose(scheme, dtype, "lm_head.weight")).toEqual({ format: embedding });
      expect(choose(scheme, dtype, "model.norm.weight", [64])).toEqual({ format: "vector" });
    }
  });

  test("columns between groups fall back with a notice", () => {
    expect(choose("q4_1", "bf16", LINEAR, [64, 48])).toEqual({
      format: "f16",
      notice: expect.stringMatching(/q_proj.weight: 48 columns .* stored as f16 instead of q4_1/),
    });
    expect(choose("q0f32", "bf16", LINEAR, [64, 48])).toEqual({ format: "f32" });
  });
});

describe("a GGUF source", () => {
  test.each([
    ["f32", "f32"],
    ["f16", "f16"],
    ["bf16", "bf16"],
    ["q4_0", "q4_0"],
    ["q4_1", "q4_1"],
    ["q8_0", "q8_0"],
    ["q5_0", "q5_0"],
    ["q5_1", "q5_1"],
    ["q2_k", "q4_1"],
    ["q3_k", "q4_1"],
    ["q4_k", "q4_k"],
    ["q5_k", "q5_k"],
    ["q6_k", "q6_k"],
  ] as const)("keep stores %s as %s, embeddings too", (dtype, format) => {
    expect(choose("keep", dtype, LINEAR, [64, 256])).toEqual({ format });
    expect(choose("keep", dtype, "model.embed_tokens.weight", [64, 256])).toEqual({ format });
  });

  test("a tensor that already has the scheme's format keeps it, even the embedding", () => {
    expect(choose("q4_1", "q4_1", "model.embed_tokens.weight")).toEqual({ format: "q4_1" });
    expect(choose("q4_1", "q4_0", "model.embed_tokens.weight")).toEqual({ format: "q8_0" });
  });

  test("keep is the default where a matrix is quantised, elsewhere q4_1, of encoders q8_0", () => {
    const norm = { shape: [64], dtype: "f32" } as const;
    const encoder = { encoder: true };
    expect(defaultScheme([norm, { shape: [64, 64], dtype: "q6_k" }], encoder).name).toBe("keep");
    expect(defaultScheme([norm, { shape: [64, 64], dtype: "f16" }], encoder).name).toBe("q8_0");
    expect(defaultScheme([norm, { shape: [64, 64], dtype: "q6_k" }]).name).toBe("keep");
    expect(defaultScheme([norm, { shape: [64, 64], dtype: "bf16" }]).name).toBe("q4_1");
  });
});

test("blocks have the bytes of their parts", () => {
  for (const [format, info] of Object.entries(WEIGHT_FORMATS)) {
    const scale = info.scaleDtype === null ? 0 : info.scaleDtype === "float16" ? 2 : 4;
    const values = (16 * info.blockColumns * info.bits) / 8;
    const factors = info.factors === null ? 0 : (16 * 2 * info.blockColumns) / 32;
    expect(info.blockBytes, format).toBe(values + factors + 16 * scale * (info.hasMin ? 2 : 1));
  }
  expect(packedShape("q4_1", 17, 64)).toEqual([2, 2, 320]);
  expect(packedShape("q6_k", 17, 512)).toEqual([2, 2, 3360]);
  expect(() => packedShape("q4_k", 16, 320)).toThrow(/multiples of 256 .* q4_k but received 320/);
  expect(packedBytes("f16" satisfies WeightFormat, 17, 10)).toBe(2 * 10 * 32);
});
