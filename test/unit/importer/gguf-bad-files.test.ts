import { describe, expect, test } from "vitest";
import { type WrittenGguf, writeGguf } from "../../support/gguf-writer.js";
import {
  importBytes,
  importTiny,
  replaced,
  tinyGguf,
  tinyMetadata,
  withKey,
} from "../../support/tiny-gguf.js";

describe("bad files are one clear error", () => {
  const whole = writeGguf(tinyGguf);
  const set = (at: number, ...bytes: number[]) => {
    const copy = whole.slice();
    copy.set(bytes, at);
    return copy;
  };

  test.each<[string, Uint8Array, string, RegExp]>([
    ["no GGUF", set(0, 0), "ERR_INVALID_MODEL", /magic/],
    ["empty", new Uint8Array(0), "ERR_INVALID_MODEL", /tiny\.gguf at offset 0/],
    ["version 1", set(4, 1), "ERR_UNSUPPORTED_FORMAT", /version 1/],
    ["big endian", set(4, 0, 0, 0, 3), "ERR_UNSUPPORTED_FORMAT", /big-endian/],
    ["too many tensors", set(15, 0xff), "ERR_INVALID_MODEL", /number of tensors/],
    ["too many pairs", set(20, 0xff), "ERR_INVALID_MODEL", /number of metadata pairs/],
    ["cut in the data", whole.slice(0, -1), "ERR_INVALID_MODEL", /truncated/],
    ["cut in the header", whole.slice(0, 500), "ERR_INVALID_MODEL", /offset/],
  ])("%s", (_, bytes, code, message) => {
    expect(() => importBytes(bytes)).toThrowError(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  test.each<[string, Partial<WrittenGguf>, string, RegExp]>([
    [
      "an unknown architecture",
      { metadata: withKey("general.architecture", ["string", "mamba"]) },
      "ERR_UNSUPPORTED_ARCHITECTURE",
      /llama, qwen2, qwen3.*"mamba"/,
    ],
    [
      "no architecture",
      { metadata: withKey("general.architecture", undefined) },
      "ERR_INVALID_MODEL",
      /general\.architecture/,
    ],
    [
      "a missing size",
      { metadata: withKey("llama.embedding_length", undefined) },
      "ERR_INVALID_MODEL",
      /llama\.embedding_length/,
    ],
    [
      "a size of another type",
      { metadata: withKey("llama.block_count", ["string", "x"]) },
      "ERR_INVALID_MODEL",
      /a number.*"x"/,
    ],
    [
      "experts",
      { metadata: withKey("llama.expert_count", ["u32", 8]) },
      "ERR_UNSUPPORTED_ARCHITECTURE",
      /expert_count = 8/,
    ],
    [
      "layers that differ",
      { metadata: withKey("llama.attention.head_count_kv", ["array", "u32", [2, 1]]) },
      "ERR_UNSUPPORTED_ARCHITECTURE",
      /2, 1/,
    ],
    [
      "a wild alignment",
      { metadata: withKey("general.alignment", ["u32", 48]) },
      "ERR_INVALID_MODEL",
      /power of two/,
    ],
    [
      "an unknown tensor type",
      { tensors: replaced("output_norm.weight", { type: 16 }) },
      "ERR_UNSUPPORTED_FORMAT",
      /output_norm\.weight.*iq2_xxs/,
    ],
    [
      "a row of half a block",
      { tensors: replaced("blk.0.ffn_up.weight", { type: 8, dimensions: [40, 2] }) },
      "ERR_INVALID_MODEL",
      /whole q8_0 blocks/,
    ],
    [
      "overlapping tensors",
      { tensors: replaced("output_norm.weight", { offset: 0 }) },
      "ERR_INVALID_MODEL",
      /behind the tensor before/,
    ],
    [
      "an offset off the alignment",
      { tensors: replaced("output_norm.weight", { offset: 5 }) },
      "ERR_INVALID_MODEL",
      /multiple of 32/,
    ],
    [
      "an offset far away",
      { tensors: replaced("output_norm.weight", { offset: 2 ** 40 }) },
      "ERR_INVALID_MODEL",
      /truncated/,
    ],
    [
      "no dimension",
      { tensors: replaced("output_norm.weight", { dimensions: [0] }) },
      "ERR_INVALID_MODEL",
      /positive dimensions/,
    ],
    [
      "five dimensions",
      { tensors: replaced("output_norm.weight", { dimensions: [1, 1, 1, 1, 32] }) },
      "ERR_INVALID_MODEL",
      /at most 4 dimensions/,
    ],
    [
      "two tensors of one name",
      { tensors: replaced("output_norm.weight", { name: "token_embd.weight" }) },
      "ERR_INVALID_MODEL",
      /each tensor once/,
    ],
    [
      "more tokens than embeddings",
      { tensors: replaced("token_embd.weight", { dimensions: [32, 7] }) },
      "ERR_INVALID_MODEL",
      /at most 7 tokens/,
    ],
    [
      "an odd number of rotary rows",
      { tensors: replaced("blk.0.attn_q.weight", { dimensions: [32, 31] }) },
      "ERR_INVALID_MODEL",
      /even number of rows/,
    ],
  ])("%s", (_, changes, code, message) => {
    expect(() => importTiny(changes)).toThrowError(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  test("arrays nested too deep", () => {
    const nested = ["array", "array", [["array", [["array", [["array", [["array", []]]]]]]]]] as const;
    expect(() => importTiny({ metadata: { ...tinyMetadata, "x.deep": nested } })).toThrowError(
      /nested arrays/,
    );
  });
});
