// Attention with sliding windows, sink tokens and sink logits against the double-precision reference, and to the last bit against itself.
import { beforeAll, describe, expect, it } from "vitest";
import { pagedAttention } from "../../../lib/compiler/kernels/index.js";
import { loadCompilerLibrary } from "../../../lib/ffi/index.js";
import { AttentionLayer, AttentionRunner, type LayerOptions } from "../../support/attention-runner.js";
import { relativeError } from "../../support/kernel-library.js";
import { Random } from "../../support/random.js";

beforeAll(() => loadCompilerLibrary());

const TOLERANCE = 1e-5;
const SHAPE = { heads: 4, kvHeads: 2, headDim: 16 } as const;
const ROWS = 420;

/** A layer with the rows of one sequence. */
class Sequence {
  readonly layer: AttentionLayer;
  readonly #random = new Random(13);
  readonly #rows: Float32Array;

  constructor(options: LayerOptions) {
    this.layer = new AttentionLayer(options, this.#random);
    this.#rows = this.#random.floats(ROWS * this.layer.width, 2);
  }

  runner(): AttentionRunner {
    return new AttentionRunner(this.layer, this.#random, 32);
  }

  rows(from: number, to: number) {
    const { width } = this.layer;
    return { sequence: 0, rows: this.#rows.subarray(from * width, to * width) };
  }

  /** Outputs of all rows by the reference. */
  expected(): number[] {
    const reference = this.layer.reference();
    const runner = this.runner();
    const row = (i: number) => reference.append(this.rows(i, i + 1).rows, runner.rope(i));
    return Array.from({ length: ROWS }, (_, i) => row(i)).flat();
  }

  /** Outputs of all rows in one prefill. */
  whole(): Float32Array {
    return this.runner().step("prefill", [this.rows(0, ROWS)]);
  }
}

const CASES: readonly (readonly [name: string, options: Partial<LayerOptions>])[] = [
  ...[1, 15, 16, 17, 127, 128, 129, 300, 1000].map((window): [string, Partial<LayerOptions>] => [
    `window ${window}`,
    { window },
  ]),
  ["window 100 in 8 bits", { window: 100, kvDtype: "int8" }],
  ["window 33 with 4 sink tokens", { window: 33, sinkTokens: 4 }],
  ["window 16 with 140 sink tokens", { window: 16, sinkTokens: 140 }],
  ["sink logits", { sinkLogits: true }],
  ["window 20 with sink logits", { window: 20, sinkLogits: true }],
  ["window 40 with both, in 8 bits", { window: 40, sinkTokens: 5, sinkLogits: true, kvDtype: "int8" }],
];

describe.each(CASES)("%s", (_, options) => {
  let sequence: Sequence;
  let whole: Float32Array;
  const width = SHAPE.heads * SHAPE.headDim;
  beforeAll(() => {
    sequence = new Sequence({ ...SHAPE, kvDtype: "float16", ...options });
    whole = sequence.whole();
  });

  it("matches the reference", () => {
    expect(relativeError(whole, sequence.expected())).toBeLessThan(TOLERANCE);
  });

  it("gives a row the same bits in chunks and row by row", () => {
    for (const size of [37, 128, 131]) {
      const runner = sequence.runner();
      for (let from = 0; from < ROWS; from += size) {
        const to = Math.min(ROWS, from + size);
        const received = runner.step("prefill", [sequence.rows(from, to)]);
        expect(received, `rows ${from} to ${to}`).toEqual(whole.subarray(from * width, to * width));
      }
    }
    const runner = sequence.runner();
    for (let row = 0; row < ROWS; row++) {
      const received = runner.step("decode", [sequence.rows(row, row + 1)]);
      expect(received, `row ${row}`).toEqual(whole.subarray(row * width, (row + 1) * width));
    }
  });
});

it.each(["decode", "prefill"] as const)("never reads the chunks that no row sees (%s)", (form) => {
  const sequence = new Sequence({ ...SHAPE, kvDtype: "float16", window: 40, sinkTokens: 3 });
  const whole = sequence.whole();
  const runner = sequence.runner();
  runner.step("prefill", [sequence.rows(0, 300)]);
  // A row at 300 sees keys from 261 on: of the chunks of 8 pages the first holds the sinks, the third the window's start.
  runner.spoil(0, 8, 16);
  const rows = form === "decode" ? 1 : 40;
  const width = SHAPE.heads * SHAPE.headDim;
  const received = runner.step(form, [sequence.rows(300, 300 + rows)]);
  expect(received).toEqual(whole.subarray(300 * width, (300 + rows) * width));
});

it("refuses windows that are none", () => {
  const error = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" });
  const options = { ...SHAPE, layers: 1, kvDtype: "float32", form: "decode" } as const;
  for (const wrong of [{ window: 0 }, { window: 1.5 }, { sinkTokens: 4 }, { window: 8, sinkTokens: -1 }])
    expect(() => pagedAttention({ ...options, ...wrong })).toThrow(error);
});
