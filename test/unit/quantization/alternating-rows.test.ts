import { describe, expect, test } from "vitest";
import type { SourceTensor } from "../../../lib/compiler/importer/imported-model.js";
import { AlternatingRows, canAlternate } from "../../../lib/compiler/quantization/alternating-rows.js";
import { packTensor } from "../../../lib/compiler/quantization/pack-rows16.js";
import { floatTensor, ggmlTensor, randomWeights } from "./source-tensor-fixture.js";

const COLUMNS = 64;
const ROWS = 48;

/** Packed bytes, by row block. */
function packedBlocks(tensor: SourceTensor, format: "f32" | "q4_0"): Uint8Array[] {
  const bytes = Buffer.concat([...packTensor(tensor, format)].map((chunk) => Buffer.from(chunk)));
  const size = bytes.length / ((tensor.shape[0] ?? 0) / 16);
  return Array.from({ length: bytes.length / size }, (_, block) =>
    bytes.subarray(block * size, (block + 1) * size),
  );
}

describe.each([
  ["quantised", "q4_0", [1, 2].map((seed) => ggmlTensor([ROWS, COLUMNS], "q4_0", seed))],
  ["float", "f32", [1, 2].map((seed) => floatTensor([ROWS, COLUMNS], randomWeights(ROWS * COLUMNS, seed)))],
] as const)("%s rows", (_, format, parts) => {
  const both = new AlternatingRows("both", parts);

  test("the row blocks of the package take turns", () => {
    expect(both.shape).toEqual([2 * ROWS, COLUMNS]);
    const [first, second] = parts.map((part) => packedBlocks(part, format));
    const expected = first?.flatMap((block, index) => [block, second?.[index]]);
    expect(packedBlocks(both, format)).toEqual(expected);
  });

  test("any run of rows is the same as of all of them", () => {
    const all = both.readRows(0, 2 * ROWS);
    for (const [start, count] of [
      [0, 16],
      [10, 30],
      [33, 1],
      [47, 49],
      [95, 1],
      [20, 0],
    ] as const)
      expect(both.readRows(start, count)).toEqual(all.slice(start * COLUMNS, (start + count) * COLUMNS));
    expect(both.readRows(16, 1)).toEqual(parts[1]?.readRows(0, 1));
  });
});

test("other types, shapes and incomplete blocks stay apart", () => {
  const tensor = (rows: number, columns: number) =>
    floatTensor([rows, columns], randomWeights(rows * columns, 1));
  expect(canAlternate([tensor(32, 64), tensor(32, 64)])).toBe(true);
  for (const parts of [
    [tensor(32, 64), ggmlTensor([32, 64], "q4_0", 1)],
    [tensor(32, 64), tensor(32, 32)],
    [tensor(24, 64), tensor(24, 64)],
  ]) {
    expect(canAlternate(parts)).toBe(false);
    expect(() => new AlternatingRows("both", parts)).toThrow(/Expected matrices of one shape and type/);
  }
});
