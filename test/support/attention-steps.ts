/** Steps of an attention layer, each row against the reference of its sequence. */
import { expect } from "vitest";
import {
  type AttentionDevice,
  AttentionLayer,
  AttentionRunner,
  type LayerOptions,
} from "./attention-runner.js";
import { relativeError } from "./kernel-library.js";
import { Random } from "./random.js";

/** [form, then the sequences of the step with the number of their new rows] */
export type AttentionStep = readonly ["prefill" | "decode", ...(readonly [sequence: number, rows: number])[]];

/** Runs the steps and compares every row with the reference of its sequence. */
export function checkAttention(
  options: LayerOptions,
  steps: readonly AttentionStep[],
  tolerance: number,
  device: Partial<AttentionDevice> = {},
): void {
  const random = new Random(7);
  const layer = new AttentionLayer(options, random, device);
  const runner = new AttentionRunner(layer, random, 96);
  const references = new Map<number, ReturnType<AttentionLayer["reference"]>>();
  for (const [form, ...parts] of steps) {
    const rows = parts.map(([sequence, count]) => ({
      sequence,
      rows: random.floats(count * layer.width, 2),
    }));
    const expected = rows.flatMap(({ sequence, rows: values }) => {
      const reference = references.get(sequence) ?? layer.reference();
      references.set(sequence, reference);
      const start = runner.length(sequence);
      return Array.from({ length: values.length / layer.width }, (_, row) => {
        const own = values.subarray(row * layer.width, (row + 1) * layer.width);
        return reference.append(own, runner.rope(start + row));
      }).flat();
    });
    const error = relativeError(runner.step(form, rows), expected);
    expect(error, JSON.stringify([form, ...parts])).toBeLessThan(tolerance);
  }
}
