/** The matrix product of the linear kernel, in double precision. */
import type { ReferenceWeight } from "./rows16.js";

export interface ReferenceLinear {
  readonly x: ArrayLike<number>;
  readonly tokens: number;
  readonly weights: readonly ReferenceWeight[];
  readonly biases?: readonly Float32Array[];
  readonly residual?: Float32Array;
  readonly gated?: boolean;
}

/** [tokens, outputs] */
export function referenceLinear(problem: ReferenceLinear): Float64Array {
  const { x, tokens, weights, biases, residual, gated = false } = problem;
  const rows: number[][] = [];
  for (let token = 0; token < tokens; token++) {
    const sums = weights.map((weight, segment) => products(x, token, weight, biases?.[segment]));
    rows.push(gated ? gate(sums[0] ?? [], sums[1] ?? []) : sums.flat());
  }
  return Float64Array.from(rows.flat(), (value, i) => value + (residual?.[i] ?? 0));
}

function products(
  x: ArrayLike<number>,
  token: number,
  weight: ReferenceWeight,
  bias?: Float32Array,
): number[] {
  const { rows, columns, values } = weight;
  return Array.from({ length: rows }, (_, row) => {
    let sum = bias?.[row] ?? 0;
    for (let k = 0; k < columns; k++) sum += (values[row * columns + k] ?? 0) * (x[token * columns + k] ?? 0);
    return sum;
  });
}

function gate(gates: readonly number[], ups: readonly number[]): number[] {
  return gates.map((value, i) => (value / (1 + Math.exp(-value))) * (ups[i] ?? 0));
}
