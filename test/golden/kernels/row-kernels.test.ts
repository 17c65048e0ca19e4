// The kernels that move or scale rows, against plain loops.
import { beforeAll, describe, expect, it } from "vitest";
import { embedding, gatherRows, layerNorm, rmsNorm, ropeTable } from "../../../lib/compiler/kernels/index.js";
import { loadCompilerLibrary } from "../../../lib/ffi/index.js";
import { WEIGHT_FORMAT_NAMES } from "../../../lib/package/weight-format.js";
import { float32, int32, Kernel, packedTensor, relativeError } from "../../support/kernel-library.js";
import { Random } from "../../support/random.js";
import { ropeRow } from "../../support/reference/attention.js";
import { columnsOf, randomWeight } from "../../support/reference/rows16.js";

beforeAll(() => loadCompilerLibrary());

describe("rmsNorm", () => {
  it.each([
    [64, 5],
    [576, 2],
    [12, 3],
    [7, 1],
  ])("normalises rows of %i", (columns, rows) => {
    const random = new Random(columns);
    const [x, weight, epsilon] = [random.floats(rows * columns, 3), random.floats(columns), 1e-5];
    const expected = Array.from(x, (value, i) => {
      const start = Math.floor(i / columns) * columns;
      const square = x.subarray(start, start + columns).reduce((sum, v) => sum + v * v, 0) / columns;
      return (value / Math.sqrt(square + epsilon)) * (weight[i % columns] ?? Number.NaN);
    });
    const args = [float32(x, [rows, columns]), float32(weight, [columns])];
    const many = new Kernel(rmsNorm({ columns, epsilon, tokens: "n" })).run(args, [rows, columns]);
    expect(relativeError(many, expected)).toBeLessThan(1e-6);
    const first = [float32(x.subarray(0, columns), [1, columns]), float32(weight, [columns])];
    const single = new Kernel(rmsNorm({ columns, epsilon, tokens: 1 })).run(first, [1, columns]);
    expect(single).toEqual(many.slice(0, columns));
  });

  it("keeps a row of zeros finite", () => {
    const args = [float32(new Float32Array(16), [1, 16]), float32(new Float32Array(16).fill(1), [16])];
    const received = new Kernel(rmsNorm({ columns: 16, epsilon: 1e-6, tokens: 1 })).run(args, [1, 16]);
    expect(received).toEqual(new Float32Array(16));
  });
});

describe("layerNorm", () => {
  function expected(
    rows: Float32Array,
    columns: number,
    weight: Float32Array,
    bias: Float32Array,
  ): Float32Array {
    return rows.map((value, i) => {
      const start = Math.floor(i / columns) * columns;
      const row = [...rows.subarray(start, start + columns)];
      const mean = row.reduce((sum, v) => sum + v, 0) / columns;
      const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / columns;
      const at = i % columns;
      return ((value - mean) / Math.sqrt(variance + 1e-12)) * (weight[at] ?? 0) + (bias[at] ?? 0);
    });
  }

  it.each([
    [64, 5],
    [384, 2],
    [12, 3],
    [7, 1],
  ])("normalises rows of %i, far from zero too", (columns, count) => {
    const random = new Random(columns);
    const [weight, bias] = [random.floats(columns), random.floats(columns)];
    const x = random.floats(count * columns, 3).map((value) => value + 50);
    const args = [float32(x, [count, columns]), float32(weight, [columns]), float32(bias, [columns])];
    const received = new Kernel(layerNorm({ columns, epsilon: 1e-12 })).run(args, [count, columns]);
    expect(relativeError(received, expected(x, columns, weight, bias))).toBeLessThan(2e-5);
  });

  it("adds the rows of a table of positions first", () => {
    const random = new Random(3);
    const [columns, positions] = [48, [6, 0, 6, 2]];
    const [x, table] = [random.floats(4 * columns), random.floats(7 * columns)];
    const [weight, bias] = [random.floats(columns), random.floats(columns)];
    const sums = x.map((value, i) => {
      const row = positions[Math.floor(i / columns)] ?? Number.NaN;
      return value + (table[row * columns + (i % columns)] ?? Number.NaN);
    });
    const args = [float32(x, [4, columns]), int32(positions), float32(table, [7 * columns])];
    const params = [float32(weight, [columns]), float32(bias, [columns])];
    const kernel = new Kernel(layerNorm({ columns, epsilon: 1e-12, positions: 7 }));
    const received = kernel.run([...args, ...params], [4, columns]);
    expect(relativeError(received, expected(sums, columns, weight, bias))).toBeLessThan(2e-6);
  });
});

describe("embedding", () => {
  it.each(WEIGHT_FORMAT_NAMES)("reads any row of a %s table", (format) => {
    const columns = columnsOf(format, 3);
    const table = randomWeight(new Random(5), format, 41, columns);
    const ids = [40, 0, 16, 15, 17, 40];
    const kernel = new Kernel(embedding({ rows: 41, columns, format }));
    const received = kernel.run([int32(ids), packedTensor(table)], [ids.length, columns]);
    const expected = ids.flatMap((id) => [...table.values.subarray(id * columns, (id + 1) * columns)]);
    expect(relativeError(received, Float32Array.from(expected))).toBe(0);
  });

  it.each(WEIGHT_FORMAT_NAMES)("adds a row for the kind of a token to those of a %s table", (format) => {
    const columns = columnsOf(format, 2);
    const random = new Random(6);
    const table = randomWeight(random, format, 41, columns);
    const kinds = random.floats(3 * columns);
    const tokens = [40, 0, 16, 40, 7].map((id, i) => ({ id, type: i % 3 }));
    const kernel = new Kernel(embedding({ rows: 41, columns, format, types: 3 }));
    const ids = int32(tokens.map(({ id, type }) => type * 41 + id));
    const received = kernel.run([ids, packedTensor(table), float32(kinds, [3 * columns])], [5, columns]);
    const expected = tokens.flatMap(({ id, type }) =>
      Array.from({ length: columns }, (_, i) =>
        Math.fround((table.values[id * columns + i] ?? Number.NaN) + (kinds[type * columns + i] ?? 0)),
      ),
    );
    expect(relativeError(received, Float32Array.from(expected))).toBeLessThan(1e-6);
  });
});

describe("gatherRows", () => {
  it("takes rows in the order asked for, also twice or none", () => {
    const x = new Random(2).floats(6 * 20);
    const kernel = new Kernel(gatherRows({ columns: 20 }));
    const rows = [5, 0, 0, 3];
    const expected = rows.flatMap((row) => [...x.subarray(row * 20, (row + 1) * 20)]);
    expect([...kernel.run([float32(x, [6, 20]), int32(rows)], [4, 20])]).toEqual(expected);
    expect(kernel.run([float32(x, [6, 20]), int32([])], [0, 20]).length).toBe(0);
  });
});

describe("ropeTable", () => {
  it.each([8, 64, 80, 128])("holds cosines and sines for head size %i up to late positions", (headDim) => {
    const frequencies = Float32Array.from({ length: headDim / 2 }, (_, i) => 500000 ** ((-2 * i) / headDim));
    const positions = [0, 1, 2, 511, 8191, 131071];
    const kernel = new Kernel(ropeTable({ headDim }));
    const args = [int32(positions), float32(frequencies, [headDim / 2])];
    const received = kernel.run(args, [positions.length, headDim]);
    const expected = positions.flatMap((position) => ropeRow(position, frequencies));
    const worst = Math.max(...expected.map((value, i) => Math.abs(value - (received[i] ?? Number.NaN))));
    // One unit in the last place of a value near one.
    expect(worst).toBeLessThan(6.1e-8);
  });
});
