import { expect, test } from "vitest";
import { kvBytesPerToken, kvRecordSize } from "../../../lib/package/kv-format.js";

// SmolLM2-135M: 30 layers, 3 key heads of 64 elements.
const model = { layers: 30, keyValueHeads: 3, headDim: 64 };

test.each([
  ["float32", 2 * 30 * 3 * 64 * 4],
  ["float16", 2 * 30 * 3 * 64 * 2],
  // 64 codes and a scale of 4 bytes.
  ["int8", 2 * 30 * 3 * 68],
] as const)("a token in %s", (dtype, bytes) => {
  expect(kvBytesPerToken(model, dtype)).toBe(bytes);
});

test("records of codes end with a scale for each of 16 positions, in whole cache lines", () => {
  expect(kvRecordSize("float16", 80)).toBe(1280);
  for (const headDim of [4, 64, 80, 128]) {
    expect(kvRecordSize("int8", headDim)).toBe(16 * headDim + 64);
    expect(kvRecordSize("int8", headDim) % 64).toBe(0);
  }
});
