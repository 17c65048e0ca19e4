// The encoder of the BERT family: token rows in, hidden rows out, in six kernel calls a layer. Norms follow what they normalise.
import type { FfiObject } from "../../ffi/index.js";
import type { Dimension } from "../ir/relax-type.js";
import { activationShape } from "../kernels/index.js";
import type { EncoderConfig } from "../models/encoder-config.js";
import { classifierNames, encoderLayerPrefix, POSITION_TABLE } from "../models/encoder-parameters.js";
import type { StepInputs } from "./decoder.js";
import type { EncoderKernels } from "./encoder-kernels.js";
import type { FunctionGraph } from "./function-graph.js";

/** float32 `[count, columns]`. */
interface Rows {
  readonly tensor: FfiObject;
  readonly count: Dimension;
}

/** The network of `encode`. The rows of every text of a step must be all of that text. */
export class Encoder {
  readonly #config: EncoderConfig;
  readonly #graph: FunctionGraph;
  readonly #kernels: EncoderKernels;
  readonly #step: StepInputs;

  constructor(config: EncoderConfig, graph: FunctionGraph, kernels: EncoderKernels, step: StepInputs) {
    this.#config = config;
    this.#graph = graph;
    this.#kernels = kernels;
    this.#step = step;
  }

  /**
   * `x` float32 `[rows, hidden]` of the table of tokens to the last layer's rows, float32 `[logit rows, hidden]`, or to what a
   * classifier says of each of them, float32 `[logit rows, labels]`.
   */
  result(x: FfiObject): FfiObject {
    const rows = this.#hidden(x);
    const { classifier, hiddenSize } = this.#config;
    if (classifier === undefined) return rows.tensor;
    const { dense, output } = classifierNames(this.#config);
    const tensor = this.#linear(rows, hiddenSize, [dense], hiddenSize, { activation: "tanh" });
    return this.#linear({ ...rows, tensor }, hiddenSize, [output], classifier.labels, {});
  }

  #hidden(x: FfiObject): Rows {
    const { layers, hiddenSize } = this.#config;
    const { rows: count, positions, logitRows } = this.#step;
    const places = [x, positions, this.#graph.param(POSITION_TABLE), ...this.#normParams("embeddings")];
    const kernel = this.#kernels.embeddingNorm();
    let rows: Rows = { tensor: this.#graph.call(kernel, places, [count, hiddenSize], "embedded"), count };
    for (let layer = 0; layer < layers; layer++) {
      const prefix = encoderLayerPrefix(layer);
      let attended: Rows = this.#attention(prefix, layer, rows);
      // Beyond the last keys and values only the rows that are wanted matter.
      if (layer === layers - 1 && logitRows !== undefined)
        [rows, attended] = [this.#choose(rows, logitRows), this.#choose(attended, logitRows)];
      rows = this.#addNormed(rows, attended, hiddenSize, `${prefix}.attention.output`);
      rows = this.#feedForward(prefix, rows);
    }
    return rows;
  }

  /** Attention of every row to all rows of its text; keys and values go into the pages on the way. */
  #attention(prefix: string, layer: number, rows: Rows): Rows {
    const { qIndptr, positions, pageIndptr, pageIndices, kvPages } = this.#step;
    const { hiddenSize } = this.#config;
    const names = ["query", "key", "value"].map((name) => `${prefix}.attention.self.${name}`);
    const qkv = this.#linear(rows, hiddenSize, names, 3 * hiddenSize, {});
    const tables = [qIndptr, positions, pageIndptr, pageIndices, kvPages, this.#kernels.layerIndex(layer)];
    const shape = [rows.count, hiddenSize];
    return {
      ...rows,
      tensor: this.#graph.call(this.#kernels.attention(), [qkv, ...tables], shape, "attention"),
    };
  }

  /** `norm(x + output(gelu(intermediate(x))))`. */
  #feedForward(prefix: string, rows: Rows): Rows {
    const { hiddenSize, intermediateSize } = this.#config;
    const names = [`${prefix}.intermediate.dense`];
    const tensor = this.#linear(rows, hiddenSize, names, intermediateSize, { activation: "gelu" });
    return this.#addNormed(rows, { ...rows, tensor }, intermediateSize, `${prefix}.output`);
  }

  /** `norm(rows + dense(values))` of the parameters under `prefix`. */
  #addNormed(rows: Rows, values: Rows, columns: number, prefix: string): Rows {
    const { hiddenSize } = this.#config;
    const residual = rows.tensor;
    const sum = this.#linear(values, columns, [`${prefix}.dense`], hiddenSize, { residual });
    const args = [sum, ...this.#normParams(prefix)];
    const shape = [rows.count, hiddenSize];
    return { ...rows, tensor: this.#graph.call(this.#kernels.layerNorm(), args, shape, "normed") };
  }

  #normParams(prefix: string): FfiObject[] {
    return ["weight", "bias"].map((name) => this.#graph.param(`${prefix}.LayerNorm.${name}`));
  }

  #choose({ tensor }: Rows, { indices, count }: NonNullable<StepInputs["logitRows"]>): Rows {
    const { hiddenSize } = this.#config;
    const kernel = this.#kernels.gatherRows(hiddenSize);
    return { tensor: this.#graph.call(kernel, [tensor, indices], [count, hiddenSize], "chosen"), count };
  }

  /** The products with some weights side by side, with their biases; rows become activation blocks where integers are multiplied. */
  #linear(
    { tensor, count }: Rows,
    columns: number,
    names: readonly string[],
    outputs: number,
    { residual, activation }: { readonly residual?: FfiObject; readonly activation?: "gelu" | "tanh" },
  ): FfiObject {
    const weights = names.map((name) => `${name}.weight`);
    const input = this.#kernels.multipliesIntegers(weights)
      ? this.#graph.call(
          this.#kernels.quantizeRows(columns),
          [tensor],
          activationShape(count, columns),
          "blocks",
          "int32",
        )
      : tensor;
    const epilogue = activation ?? (residual === undefined ? "none" : "residual");
    const kernel = this.#kernels.linear(count, weights, { bias: true, epilogue });
    const params = [...weights, ...names.map((name) => `${name}.bias`)].map((name) =>
      this.#graph.param(name),
    );
    const args = [input, ...params, ...(residual === undefined ? [] : [residual])];
    return this.#graph.call(kernel, args, [count, outputs], names[0]?.split(".").at(-1) ?? "linear");
  }
}
