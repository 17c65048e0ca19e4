/** A post-norm encoder of the BERT family in double precision, as transformers' modelling code has it, with a classifier's head. */

/** Sizes of the network. */
export interface EncoderShape {
  readonly hidden: number;
  readonly heads: number;
  readonly layers: number;
  /** Row of the position table of the first token. */
  readonly positionOffset: number;
  readonly epsilon: number;
}

/** A checkpoint's tensors by name. */
export type EncoderWeights = ReadonlyMap<string, Float32Array>;

/** A token and its kind. */
export interface EncoderToken {
  readonly id: number;
  readonly type: number;
}

type Row = readonly number[];

export class ReferenceEncoder {
  readonly #shape: EncoderShape;
  readonly #weights: EncoderWeights;

  constructor(shape: EncoderShape, weights: EncoderWeights) {
    this.#shape = shape;
    this.#weights = weights;
  }

  /** The last layer's rows of a text. */
  rows(tokens: readonly EncoderToken[]): Row[] {
    const { hidden, positionOffset, layers } = this.#shape;
    const row = (table: string, at: number): Row =>
      Array.from(this.#tensor(`embeddings.${table}.weight`).subarray(at * hidden, (at + 1) * hidden));
    let rows = tokens.map(({ id, type }, i) => {
      const place = row("position_embeddings", positionOffset + i);
      const sum = add(row("word_embeddings", id), add(place, row("token_type_embeddings", type)));
      return this.#norm("embeddings", sum);
    });
    for (let layer = 0; layer < layers; layer++) {
      const prefix = `encoder.layer.${layer}`;
      const attended = this.#attend(prefix, rows);
      rows = rows.map((x, i) => {
        const between = this.#norm(
          `${prefix}.attention.output`,
          add(x, this.dense(`${prefix}.attention.output.dense`, attended[i] ?? [])),
        );
        const inner = this.dense(`${prefix}.intermediate.dense`, between).map(gelu);
        return this.#norm(`${prefix}.output`, add(between, this.dense(`${prefix}.output.dense`, inner)));
      });
    }
    return rows;
  }

  /** `output(tanh(dense(first row)))`. */
  logits(tokens: readonly EncoderToken[], head: { readonly dense: string; readonly output: string }): Row {
    return this.dense(head.output, this.dense(head.dense, this.rows(tokens)[0] ?? []).map(Math.tanh));
  }

  /** `weight · x + bias`. */
  dense(name: string, x: Row): Row {
    const weight = this.#tensor(`${name}.weight`);
    return Array.from(this.#tensor(`${name}.bias`), (bias, row) =>
      x.reduce((sum, value, i) => sum + value * (weight[row * x.length + i] ?? Number.NaN), bias),
    );
  }

  #attend(prefix: string, rows: readonly Row[]): Row[] {
    const { hidden, heads } = this.#shape;
    const size = hidden / heads;
    const [query, key, value] = ["query", "key", "value"].map((name) =>
      rows.map((row) => this.dense(`${prefix}.attention.self.${name}`, row)),
    ) as [Row[], Row[], Row[]];
    return query.map((asked) =>
      Array.from({ length: heads }, (_, head) => {
        const part = (row: Row) => row.slice(head * size, (head + 1) * size);
        const scores = key.map((other) => dot(part(asked), part(other)) / Math.sqrt(size));
        const weights = scores.map((score) => Math.exp(score - Math.max(...scores)));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const parts = value.map(part);
        return Array.from(
          { length: size },
          (_, i) =>
            dot(
              weights,
              parts.map((row) => row[i] ?? Number.NaN),
            ) / total,
        );
      }).flat(),
    );
  }

  #norm(prefix: string, x: Row): Row {
    const [weight, bias] = ["weight", "bias"].map((name) => this.#tensor(`${prefix}.LayerNorm.${name}`));
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
    const scale = 1 / Math.sqrt(variance + this.#shape.epsilon);
    return x.map(
      (value, i) => (value - mean) * scale * (weight?.[i] ?? Number.NaN) + (bias?.[i] ?? Number.NaN),
    );
  }

  #tensor(name: string): Float32Array {
    const tensor = ["", "bert.", "roberta."].map((prefix) => this.#weights.get(prefix + name)).find(Boolean);
    if (tensor === undefined) throw new Error(`no tensor ${name}`);
    return tensor;
  }
}

function add(a: Row, b: Row): Row {
  return a.map((value, i) => value + (b[i] ?? Number.NaN));
}

function dot(a: Row, b: Row): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? Number.NaN), 0);
}

/** The exact GELU; erf by its series, which converges for every x that occurs. */
function gelu(x: number): number {
  const z = x / Math.SQRT2;
  if (Math.abs(z) > 5) return x > 0 ? x : 0;
  let term = z;
  let sum = z;
  for (let n = 1; n < 150; n++) {
    term *= (-z * z) / n;
    sum += term / (2 * n + 1);
  }
  return (x * (1 + (2 / Math.sqrt(Math.PI)) * sum)) / 2;
}
