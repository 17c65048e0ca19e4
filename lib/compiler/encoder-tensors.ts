// The tensors of an encoder under whichever names its checkpoint has them.
import { computedTensor } from "./computed-tensor.js";
import { type ImportedModel, requireTensor, type SourceTensor } from "./importer/imported-model.js";
import type { EncoderConfig } from "./models/encoder-config.js";
import { POSITION_TABLE, TYPE_TABLE } from "./models/encoder-parameters.js";
import type { ParameterSpec } from "./models/parameters.js";

/** Checkpoints of a class with a head, a classifier's or a language model's, have the encoder under a prefix. */
const PREFIXES = ["", "bert.", "roberta."] as const;

/** Names of norms in checkpoints that were converted from TensorFlow. */
const OLDER_NAMES = [
  [/LayerNorm\.weight$/, "LayerNorm.gamma"],
  [/LayerNorm\.bias$/, "LayerNorm.beta"],
] as const;

export class EncoderTensors {
  readonly #model: ImportedModel;
  readonly #config: EncoderConfig;

  constructor(model: ImportedModel, config: EncoderConfig) {
    this.#model = model;
    this.#config = config;
  }

  /**
   * The source of one parameter, under the parameter's name.
   * @throws MlcError ERR_MISSING_TENSOR, ERR_UNSUPPORTED_FORMAT, ERR_INVALID_MODEL for another shape.
   */
  of({ name, shape }: ParameterSpec): SourceTensor {
    if (name === POSITION_TABLE) return computedTensor(name, () => this.#positions(), shape);
    if (name === TYPE_TABLE) return computedTensor(name, () => this.#types(), shape);
    const tensor = this.#tensor(name, shape);
    return {
      name,
      shape: tensor.shape,
      dtype: tensor.dtype,
      bytes: () => tensor.bytes(),
      readRows: (start, count) => tensor.readRows(start, count),
    };
  }

  /** What a row gets for its position and for token type 0. */
  #positions(): Float32Array {
    const { hiddenSize, contextLength, positionOffset } = this.#config;
    const rows = [positionOffset + contextLength, hiddenSize];
    const table = this.#tensor("embeddings.position_embeddings.weight", rows);
    const type = this.#typeRows(1);
    return table
      .readRows(positionOffset, contextLength)
      .map((value, i) => value + (type[i % hiddenSize] ?? Number.NaN));
  }

  /** What a row gets for its type, beyond what every row got for type 0 (`#positions`). */
  #types(): Float32Array {
    const { hiddenSize, tokenTypes } = this.#config;
    const rows = this.#typeRows(tokenTypes);
    return rows.map((value, i) => value - (rows[i % hiddenSize] ?? Number.NaN));
  }

  #typeRows(count: number): Float32Array {
    const { hiddenSize, tokenTypes } = this.#config;
    const shape = [tokenTypes, hiddenSize];
    return this.#tensor("embeddings.token_type_embeddings.weight", shape).readRows(0, count);
  }

  #tensor(name: string, shape: readonly number[]): SourceTensor {
    const spellings = [name, ...OLDER_NAMES.map(([from, to]) => name.replace(from, to))];
    const known = PREFIXES.flatMap((prefix) => spellings.map((spelling) => prefix + spelling));
    const { tensors, unsupportedTensors } = this.#model;
    const found = known.find((spelling) => tensors.has(spelling) || unsupportedTensors.has(spelling));
    return requireTensor(this.#model, found ?? name, shape);
  }
}
