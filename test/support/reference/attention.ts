/** Causal attention with rotary positions over a growing cache, in double precision, one row at a time. */
import { roundHalf } from "./half.js";

export interface ReferenceAttentionOptions {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly kvDtype: "float32" | "float16";
  readonly qkNorm?: { readonly epsilon: number; readonly query: Float32Array; readonly key: Float32Array };
}

/** One sequence of one layer. */
export class ReferenceAttention {
  readonly #options: ReferenceAttentionOptions;
  readonly #keys: number[][][] = [];
  readonly #values: number[][][] = [];

  constructor(options: ReferenceAttentionOptions) {
    this.#options = options;
  }

  /** Appends the row `qkv` [(heads + 2 kvHeads) * headDim] at the next position and returns its attention [heads * headDim]. */
  append(qkv: ArrayLike<number>, rope: ArrayLike<number>): number[] {
    const { heads, kvHeads, headDim, qkNorm } = this.#options;
    const head = (index: number) =>
      Array.from({ length: headDim }, (_, d) => qkv[index * headDim + d] ?? Number.NaN);
    const each = (count: number, first: number) => Array.from({ length: count }, (_, h) => head(first + h));
    const rotated = (vectors: number[][], norm?: Float32Array) =>
      vectors.map((vector) =>
        rotate(norm && qkNorm ? normalize(vector, norm, qkNorm.epsilon) : vector, rope),
      );
    const stored = (vectors: number[][]) =>
      vectors.map((vector) => vector.map((value) => this.#store(value)));
    const queries = rotated(each(heads, 0), qkNorm?.query);
    this.#keys.push(stored(rotated(each(kvHeads, heads), qkNorm?.key)));
    this.#values.push(stored(each(kvHeads, heads + kvHeads)));
    return queries.flatMap((query, h) => this.#attend(query, Math.floor((h * kvHeads) / heads)));
  }

  #store(value: number): number {
    return this.#options.kvDtype === "float16" ? roundHalf(Math.fround(value)) : Math.fround(value);
  }

  #attend(query: readonly number[], kvHead: number): number[] {
    const scale = this.#options.headDim ** -0.5;
    const scores = this.#keys.map((key) => dot(query, key[kvHead] ?? []) * scale);
    const largest = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const weights = scores.map((score) => Math.exp(score - largest));
    const total = weights.reduce((a, b) => a + b, 0);
    return query.map((_, d) => {
      const sum = weights.reduce((sum, weight, t) => sum + weight * (this.#values[t]?.[kvHead]?.[d] ?? 0), 0);
      return sum / total;
    });
  }
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? Number.NaN), 0);
}

function normalize(vector: readonly number[], weight: ArrayLike<number>, epsilon: number): number[] {
  const factor = 1 / Math.sqrt(dot(vector, vector) / vector.length + epsilon);
  return vector.map((value, i) => value * factor * (weight[i] ?? Number.NaN));
}

/** `rope` holds the cosines in its first half and the sines in its second; element d turns with element d + half. */
function rotate(vector: readonly number[], rope: ArrayLike<number>): number[] {
  const half = vector.length / 2;
  return vector.map((value, i) => {
    const d = i % half;
    const [cosine, sine] = [rope[d] ?? Number.NaN, rope[d + half] ?? Number.NaN];
    const other = vector[i < half ? i + half : i - half] ?? Number.NaN;
    return value * cosine + (i < half ? -other : other) * sine;
  });
}

/** Rotary factors of one position, as ropeTable gives them. */
export function ropeRow(position: number, frequencies: Float32Array): number[] {
  const angles = Array.from(frequencies, (frequency) => Math.fround(position * frequency));
  return [...angles.map(Math.cos), ...angles.map(Math.sin)].map(Math.fround);
}
