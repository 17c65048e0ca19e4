/** Activation blocks by their definition (lib/compiler/kernels/activation-blocks.ts), in single precision where that rounds. */

/** Rows of activation blocks and the values they stand for. */
export interface ReferenceActivations {
  /** int32[rows, columns / 32, 12] */
  readonly blocks: Int32Array;
  /** float32[rows, columns]: code * scale, unrounded. */
  readonly values: Float64Array;
}

export function quantizeActivations(x: Float32Array): ReferenceActivations {
  const groups = x.length / 32;
  const blocks = new Int32Array(groups * 12);
  const bytes = new Int8Array(blocks.buffer);
  const floats = new Float32Array(blocks.buffer);
  const values = new Float64Array(x.length);
  for (let group = 0; group < groups; group++) {
    const part = x.subarray(group * 32, (group + 1) * 32);
    const largest = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const inverse = largest > 1e-30 ? Math.fround(127 / largest) : 0;
    const scale = Math.fround(largest * Math.fround(1 / 127));
    let [sum, firstHalf] = [0, 0];
    part.forEach((value, i) => {
      const code = halfToEven(Math.fround(value * inverse));
      bytes[group * 48 + i] = code;
      values[group * 32 + i] = code * scale;
      sum += code;
      if (i < 16) firstHalf += code;
    });
    floats[group * 12 + 8] = scale;
    blocks[group * 12 + 9] = -8 * sum;
    floats[group * 12 + 10] = scale * sum;
    blocks[group * 12 + 11] = -8 * firstHalf;
  }
  return { blocks, values };
}

function halfToEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}
