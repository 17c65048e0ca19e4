/** The matrix product of the linear kernel, in double precision. */
import type { ReferenceWeight } from "./rows16.js";

export interface ReferenceLinear {
  readonly x: ArrayLike<number>;
  readonly tokens: number;
  readonly weights: readonly ReferenceWeight[];
  readonly biases?: readonly Float32Array[];
  readonly residual?: Float32Array;
  /** Gates and ups: two weights, or one whose blocks of 16 rows take turns. */
  readonly gated?: boolean;
}

/** [tokens, outputs] */
export function referenceLinear(problem: ReferenceLinear): Float64Array {
  const { x, tokens, biases, residual, gated = false } = problem;
  const weights = gated ? gateAndUp(problem.weights) : problem.weights;
  const rows: number[][] = [];
  for (let token = 0; token < tokens; token++) {
    const sums = weights.map((weight, segment) => products(x, token, weight, biases?.[segment]));
    rows.push(gated ? gate(sums[0] ?? [], sums[1] ?? []) : sums.flat());
  }
  return Float64Array.from(rows.flat(), (value, i) => value + (residual?.[i] ?? 0));
}

type Matrix = Pick<ReferenceWeight, "rows" | "columns" | "values">;

function gateAndUp(weights: readonly Matrix[]): readonly Matrix[] {
  const [both, ...others] = weights;
  if (both === undefined || others.length > 0) return weights;
  const { rows, columns, values } = both;
  const block = 16 * columns;
  return [0, 1].map((part) => ({
    rows: rows / 2,
    columns,
    values: Float64Array.from({ length: (rows / 2) * columns }, (_, i) => {
      const from = 2 * Math.floor(i / block) + part;
      return values[from * block + (i % block)] ?? Number.NaN;
    }),
  }));
}

function products(x: ArrayLike<number>, token: number, weight: Matrix, bias?: Float32Array): number[] {
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
