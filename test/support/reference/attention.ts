/** Causal attention with rotary positions over a growing cache, in double precision, one row at a time. */
import { roundHalf } from "./half.js";

export interface ReferenceAttentionOptions {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly kvDtype: "float32" | "float16" | "int8";
  readonly qkNorm?: { readonly epsilon: number; readonly query: Float32Array; readonly key: Float32Array };
  /** Positions a row sees, its own included; default all. */
  readonly window?: number;
  /** First positions that every row sees. */
  readonly sinkTokens?: number;
  /** A logit for each query head that takes its share of the softmax. */
  readonly sinkLogits?: Float32Array;
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
    const queries = rotated(each(heads, 0), qkNorm?.query);
    this.#keys.push(rotated(each(kvHeads, heads), qkNorm?.key).map((key) => this.#storeKey(key)));
    this.#values.push(each(kvHeads, heads + kvHeads).map((value) => this.#store(value)));
    return queries.flatMap((query, h) => this.#attend(query, Math.floor((h * kvHeads) / heads), h));
  }

  /** What the cache keeps of a key of one head: codes are of its Hadamard transform. */
  #storeKey(key: readonly number[]): number[] {
    if (this.#options.kvDtype !== "int8") return this.#store(key);
    const { size, values } = hadamard(key);
    return hadamard(this.#store(values)).values.map((value) => value / size);
  }

  /** What the cache keeps of a vector of one head. */
  #store(vector: readonly number[]): number[] {
    const single = vector.map(Math.fround);
    switch (this.#options.kvDtype) {
      case "float32":
        return single;
      case "float16":
        return single.map(roundHalf);
      case "int8":
        return roundToCodes(single);
    }
  }

  #attend(query: readonly number[], kvHead: number, head: number): number[] {
    const scale = this.#options.headDim ** -0.5;
    const { window = Number.POSITIVE_INFINITY, sinkTokens = 0, sinkLogits } = this.#options;
    const behind = this.#keys.length - window;
    const scores = this.#keys.map((key, t) =>
      t >= behind || t < sinkTokens ? dot(query, key[kvHead] ?? []) * scale : Number.NEGATIVE_INFINITY,
    );
    const sink = sinkLogits?.[head] ?? Number.NEGATIVE_INFINITY;
    const largest = scores.reduce((a, b) => Math.max(a, b), sink);
    const weights = scores.map((score) => Math.exp(score - largest));
    const total = weights.reduce((a, b) => a + b, Math.exp(sink - largest));
    return query.map((_, d) => {
      const sum = weights.reduce((sum, weight, t) => sum + weight * (this.#values[t]?.[kvHead]?.[d] ?? 0), 0);
      return sum / total;
    });
  }
}

/** The Hadamard transform by blocks of the largest power of two in the length; its own inverse but for the factor `size`. */
function hadamard(vector: readonly number[]): { size: number; values: number[] } {
  let values = [...vector];
  let size = 1;
  for (; vector.length % (2 * size) === 0; size *= 2)
    values = values.map((value, i) => {
      const partner = values[i ^ size] ?? Number.NaN;
      return (i & size) === 0 ? value + partner : partner - value;
    });
  return { size, values };
}

/** Values as int8 codes with one float32 scale, computed in float32: halves go to even codes. */
function roundToCodes(vector: readonly number[]): number[] {
  const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const factor = Math.fround(127 / largest);
  const scale = Math.fround(largest * Math.fround(1 / 127));
  return vector.map((value) => {
    const exact = Math.fround(value * factor);
    const floor = Math.floor(exact);
    const up = exact - floor > 0.5 || (exact - floor === 0.5 && floor % 2 !== 0);
    return (floor + (up ? 1 : 0)) * scale;
  });
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? Number.NaN), 0);
}

/** RMS normalisation. */
export function normalize(vector: readonly number[], weight: ArrayLike<number>, epsilon: number): number[] {
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
