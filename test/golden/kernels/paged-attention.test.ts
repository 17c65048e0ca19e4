// The attention kernel against a double-precision reference: head sizes, groups, caches, page tables, mixed steps.
import { beforeAll, describe, expect, it } from "vitest";
import { pagedAttention } from "../../../lib/compiler/kernels/index.js";
import { loadCompilerLibrary } from "../../../lib/ffi/index.js";
import { KV_DTYPES } from "../../../lib/package/kv-format.js";
import { AttentionLayer, AttentionRunner, type LayerOptions } from "../../support/attention-runner.js";
import { type AttentionStep, checkAttention } from "../../support/attention-steps.js";
import { Random } from "../../support/random.js";
import { quantizeActivations } from "../../support/reference/activation.js";

beforeAll(() => loadCompilerLibrary());

const TOLERANCE = 1e-5;

const check = (options: LayerOptions, steps: readonly AttentionStep[]) =>
  checkAttention(options, steps, TOLERANCE);

const STEPS: readonly AttentionStep[] = [
  ["prefill", [0, 21]],
  ["decode", [0, 1]],
  ["prefill", [1, 3], [0, 1], [2, 16]],
  ["decode", [2, 1], [0, 1], [1, 1]],
  ["prefill", [0, 9], [1, 8], [2, 2]],
  ["decode", [1, 1]],
];

describe.each([8, 16, 32, 64, 80, 96, 128, 256])("head size %i", (headDim) => {
  it("matches in every kind of step", () => {
    check({ heads: 3, kvHeads: 1, headDim, kvDtype: "float32" }, STEPS);
  });
});

it.each([
  [1, 1],
  [4, 4],
  [8, 4],
  [9, 3],
  [12, 1],
])("%i query heads over %i key heads", (heads, kvHeads) => {
  check({ heads, kvHeads, headDim: 16, kvDtype: "float16" }, STEPS);
});

describe.each([8, 16, 64, 80, 128])("int8 cache, head size %i", (headDim) => {
  it("matches the reference that rounds as it does", () => {
    check({ heads: 3, kvHeads: 1, headDim, kvDtype: "int8" }, STEPS);
  });
});

it("normalises queries and keys before the rotation", () => {
  check({ heads: 4, kvHeads: 2, headDim: 32, kvDtype: "float32", qkNorm: true }, STEPS);
});

it.each(["float16", "int8"] as const)("narrow registers give the same results (%s)", (kvDtype) => {
  check({ heads: 6, kvHeads: 1, headDim: 64, kvDtype, vectorBits: 256 }, STEPS);
});

it.each(["float16", "int8"] as const)("crosses many pages and chunks of keys (%s)", (kvDtype) => {
  const long: AttentionStep[] = [
    ["prefill", [0, 250]],
    ["prefill", [0, 13], [1, 1]],
    ["decode", [0, 1], [1, 1]],
    ["prefill", [0, 270]],
    ["decode", [0, 1]],
  ];
  check({ heads: 2, kvHeads: 1, headDim: 16, kvDtype }, long);
});

it.each(KV_DTYPES)("gives a row the same bits whatever it is computed with (%s)", (kvDtype) => {
  const options = { heads: 6, kvHeads: 2, headDim: 32, kvDtype } as const;
  const random = new Random(3);
  const layer = new AttentionLayer(options, random);
  const rows = random.floats(300 * layer.width);
  const outputs = options.heads * options.headDim;
  const part = (from: number, to: number) => ({
    sequence: 0,
    rows: rows.subarray(from * layer.width, to * layer.width),
  });
  const whole = new AttentionRunner(layer, random, 32).step("prefill", [part(0, 300)]);
  const chunked = new AttentionRunner(layer, random, 32);
  const single = new AttentionRunner(layer, random, 64);
  for (let row = 0; row < 300; ) {
    const to = Math.min(300, row + 37);
    const expected = whole.subarray(row * outputs, to * outputs);
    expect(chunked.step("prefill", [part(row, to)])).toEqual(expected);
    row = to;
  }
  for (let row = 0; row < 300; row++) {
    const other = { sequence: 1, rows: random.floats(layer.width) };
    const beside = row % 2 === 0;
    const received = single.step("decode", beside ? [part(row, row + 1), other] : [part(row, row + 1)]);
    expect(received.subarray(0, outputs)).toEqual(whole.subarray(row * outputs, (row + 1) * outputs));
  }
});

it.each(["float16", "int8"] as const)("divides a long context without changing a bit (%s)", (kvDtype) => {
  const options = { heads: 6, kvHeads: 2, headDim: 32, kvDtype } as const;
  const random = new Random(5);
  const layer = new AttentionLayer(options, random);
  const rows = random.floats(700 * layer.width);
  const width = options.heads * options.headDim;
  const whole = new AttentionRunner(layer, random, 48).step("prefill", [{ sequence: 0, rows }]);
  // Few rows divide the context, 20 do not: after 0, 1 or several chunks, and with little or much left over.
  for (const length of [1, 127, 128, 129, 384, 511, 512, 640, 700]) {
    for (const others of [0, 1, 19]) {
      const runner = new AttentionRunner(layer, random, 64);
      const last = (length - 1) * layer.width;
      if (length > 1) runner.step("prefill", [{ sequence: 0, rows: rows.subarray(0, last) }]);
      const beside = Array.from({ length: others }, (_, i) => ({
        sequence: i + 1,
        rows: random.floats(layer.width),
      }));
      const row = { sequence: 0, rows: rows.subarray(last, last + layer.width) };
      const received = runner.step("decode", [...beside.slice(1), row, ...beside.slice(0, 1)]);
      const at = Math.max(0, others - 1) * width;
      const expected = whole.subarray((length - 1) * width, length * width);
      expect(received.subarray(at, at + width), `${length} beside ${others}`).toEqual(expected);
    }
  }
});

describe.each([
  { heads: 3, kvHeads: 1, headDim: 64 },
  { heads: 7, kvHeads: 1, headDim: 32 },
])("$heads heads of $headDim", (shape) => {
  it("take 1 to 33 rows", () => {
    const steps = Array.from({ length: 33 }, (_, i): AttentionStep => ["prefill", [i % 3, i + 1]]);
    check({ ...shape, kvDtype: "float32" }, steps);
  });

  it.each(["float16", "int8"] as const)("give activation blocks of the same values (%s)", (kvDtype) => {
    const random = new Random(11);
    const options = { ...shape, kvDtype } as const;
    const plain = new AttentionLayer(options, random);
    const packed = new AttentionLayer({ ...options, output: "int8" }, random);
    const [values, blocks] = [
      new AttentionRunner(plain, random, 32),
      new AttentionRunner(packed, random, 32),
    ];
    for (const [form, ...parts] of STEPS) {
      const rows = parts.map(([sequence, count]) => ({ sequence, rows: random.floats(count * plain.width) }));
      const expected = quantizeActivations(values.step(form, rows)).blocks;
      expect(blocks.stepBlocks(form, rows)).toEqual(expected);
    }
  });
});

it("refuses heads it cannot divide", () => {
  const error = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" });
  const options = { layers: 1, kvDtype: "float32", form: "decode" } as const;
  expect(() => pagedAttention({ ...options, heads: 5, kvHeads: 2, headDim: 8 })).toThrow(error);
  expect(() => pagedAttention({ ...options, heads: 4, kvHeads: 2, headDim: 7 })).toThrow(error);
  expect(() => pagedAttention({ ...options, heads: 4, kvHeads: 2, headDim: 6, kvDtype: "int8" })).toThrow(
    error,
  );
  const small = { ...options, heads: 4, kvHeads: 2, headDim: 16, output: "int8" } as const;
  expect(() => pagedAttention(small)).toThrow(error);
});
