// The decoder: hidden rows in, logits out, in five to seven kernel calls a layer. Written once for every architecture of models/
// and every entry function; what differs between architectures is data in DecoderConfig.
import type { FfiObject } from "../../ffi/index.js";
import type { Dimension } from "../ir/relax-type.js";
import { activationShape } from "../kernels/index.js";
import { type DecoderConfig, qkvSize } from "../models/decoder-config.js";
import { layerPrefix, ROPE_FREQUENCIES } from "../models/parameters.js";
import { GROUP_SIZE } from "../quantization/format.js";
import type { DecoderKernels } from "./decoder-kernels.js";
import type { FunctionGraph, KernelRequest } from "./function-graph.js";

/** What one step receives besides the weights and the hidden rows; shapes in docs/architecture.md. */
export interface StepInputs {
  /** Rows of the step: 1, or a symbolic size. */
  readonly rows: Dimension;
  /** "decode" where every sequence has exactly one row. */
  readonly form: "decode" | "prefill";
  readonly qIndptr: FfiObject;
  readonly positions: FfiObject;
  readonly pageIndptr: FfiObject;
  readonly pageIndices: FfiObject;
  readonly kvPages: FfiObject;
  /** The rows whose logits are wanted and how many; absent where all are. */
  readonly logitRows?: LogitRows;
}

/** `indices` int32 `[count]`. */
interface LogitRows {
  readonly indices: FfiObject;
  readonly count: Dimension;
}

const FINAL_NORM = "model.norm.weight";

/** One entry function's network: the calls of its layers in order. */
export class Decoder {
  readonly #config: DecoderConfig;
  readonly #graph: FunctionGraph;
  readonly #kernels: DecoderKernels;
  readonly #step: StepInputs;

  constructor(config: DecoderConfig, graph: FunctionGraph, kernels: DecoderKernels, step: StepInputs) {
    this.#config = config;
    this.#graph = graph;
    this.#kernels = kernels;
    this.#step = step;
  }

  /** The whole network: `x` float32 `[rows, hidden]` to logits float32 `[logit rows, vocabulary]`. */
  logits(x: FfiObject): FfiObject {
    return this.#head(this.#layers(x));
  }

  /** The network without its output projection: rows after the final norm, float32 `[logit rows, hidden]`. */
  hidden(x: FfiObject): FfiObject {
    const { hidden, count } = this.#layers(x);
    const rows = { count, columns: this.#config.hiddenSize, blocks: false };
    const args = [hidden, this.#graph.param(FINAL_NORM)];
    return this.#values(this.#kernels.rmsNorm(count, "float32"), args, rows, "hidden").tensor;
  }

  /** All layers; the rows whose logits are wanted. */
  #layers(x: FfiObject): Rows {
    const rope = this.#ropeTable();
    const { layers } = this.#config;
    let rows: Rows = { hidden: x, count: this.#step.rows };
    for (let layer = 0; layer < layers; layer++) {
      const prefix = layerPrefix(layer);
      // Beyond the last keys and values only the rows whose logits are wanted matter.
      const chosen = layer === layers - 1 ? this.#step.logitRows : undefined;
      const attended = this.#attention(prefix, layer, rows, rope, chosen !== undefined);
      rows = this.#feedForward(
        layer,
        chosen === undefined
          ? this.#attentionOutput(prefix, rows, attended)
          : this.#attentionOutput(prefix, ...this.#choose(rows, attended, chosen)),
      );
    }
    return rows;
  }

  /** Cosines and sines of the step's positions, shared by all layers. */
  #ropeTable(): FfiObject {
    const { positions, rows } = this.#step;
    const { headDim } = this.#config;
    const args = [positions, this.#graph.param(ROPE_FREQUENCIES)];
    return this.#graph.call(this.#kernels.ropeTable(), args, [rows, headDim], "rope");
  }

  /**
   * `attention(rope(qkv_proj(norm(x))))`, `[rows, heads * head size]`; the step's keys and values go into the pages on the way.
   * @param plain float32 even where o_proj takes activation blocks.
   */
  #attention(prefix: string, layer: number, rows: Rows, rope: FfiObject, plain: boolean): Values {
    const { form, qIndptr, positions, pageIndptr, pageIndices, kvPages } = this.#step;
    const config = this.#config;
    const weights = ["q_proj", "k_proj", "v_proj"].map((name) => `${prefix}.self_attn.${name}`);
    const norm = `${prefix}.input_layernorm.weight`;
    const qkv = this.#normedLinear(rows, norm, weights, qkvSize(config), { bias: config.qkvBias });
    const headNorms = (config.qkNorm ? ["q_norm", "k_norm"] : []).map((name) =>
      this.#graph.param(`${prefix}.self_attn.${name}.weight`),
    );
    const args = [
      qkv.tensor,
      rope,
      ...headNorms,
      qIndptr,
      positions,
      pageIndptr,
      pageIndices,
      kvPages,
      this.#kernels.layerIndex(layer),
    ];
    const columns = config.attentionHeads * config.headDim;
    const blocks =
      !plain && this.#multipliesIntegers([`${prefix}.self_attn.o_proj`]) && config.headDim % GROUP_SIZE === 0;
    const kernel = this.#kernels.attention(layer, form, blocks ? "int8" : "float32");
    return this.#values(kernel, args, { count: rows.count, columns, blocks }, "attention");
  }

  /** `x + o_proj(attended)`. */
  #attentionOutput(prefix: string, rows: Rows, attended: Values): Rows {
    return this.#addProduct(rows, attended, `${prefix}.self_attn.o_proj`);
  }

  /** `x + down_proj(silu(gate_proj(norm(x))) * up_proj(norm(x)))`. */
  #feedForward(layer: number, rows: Rows): Rows {
    const { intermediateSize } = this.#config;
    const prefix = layerPrefix(layer);
    const gateAndUp = this.#kernels.gateAndUp(layer).map((name) => `${prefix}.${name}`);
    const down = `${prefix}.mlp.down_proj`;
    const norm = `${prefix}.post_attention_layernorm.weight`;
    const blocks = this.#multipliesIntegers(gateAndUp) && this.#multipliesIntegers([down]);
    const activated = this.#normedLinear(rows, norm, gateAndUp, intermediateSize, { gated: true, blocks });
    return this.#addProduct(rows, activated, down);
  }

  /** `hidden + projection(values)`. */
  #addProduct({ hidden, count }: Rows, values: Values, projection: string): Rows {
    const sum = this.#product(values, count, [projection], this.#config.hiddenSize, { residual: hidden });
    return { hidden: sum.tensor, count };
  }

  /** Final norm and output projection. */
  #head(rows: Rows): FfiObject {
    const { vocabSize, tieWordEmbeddings } = this.#config;
    const names = [tieWordEmbeddings ? "model.embed_tokens" : "lm_head"];
    return this.#normedLinear(rows, FINAL_NORM, names, vocabSize).tensor;
  }

  /** The rows whose logits are wanted, of both tensors. */
  #choose(rows: Rows, attended: Values, { indices, count }: LogitRows): [Rows, Values] {
    const gather = (x: FfiObject, columns: number) =>
      this.#graph.call(this.#kernels.gatherRows(columns), [x, indices], [count, columns], "chosen");
    return [
      { hidden: gather(rows.hidden, this.#config.hiddenSize), count },
      { ...attended, tensor: gather(attended.tensor, attended.columns) },
    ];
  }

  /** A matrix product of normalised rows: one kernel for one row on integers, otherwise two. */
  #normedLinear(
    { hidden, count }: Rows,
    norm: string,
    names: readonly string[],
    outputs: number,
    options: LinearArguments = {},
  ): Values {
    const weight = this.#graph.param(norm);
    const blocks = this.#multipliesIntegers(names);
    if (blocks && count === 1)
      return this.#linear([hidden, weight], count, names, outputs, { ...options, input: "norm" });
    const kernel = this.#kernels.rmsNorm(count, blocks ? "int8" : "float32");
    const rows = { count, columns: this.#config.hiddenSize, blocks };
    const normed = this.#values(kernel, [hidden, weight], rows, "normed");
    return this.#linear([normed.tensor], count, names, outputs, options);
  }

  /** A matrix product; rows of float32 become activation blocks where it multiplies integers, one row in the product itself. */
  #product(
    { tensor, columns, blocks }: Values,
    count: Dimension,
    names: readonly string[],
    outputs: number,
    options: LinearArguments,
  ): Values {
    if (blocks || !this.#multipliesIntegers(names))
      return this.#linear([tensor], count, names, outputs, options);
    if (count === 1) return this.#linear([tensor], count, names, outputs, { ...options, input: "float32" });
    const kernel = this.#kernels.quantizeRows(columns);
    const quantized = this.#values(kernel, [tensor], { count, columns, blocks: true }, "blocks");
    return this.#linear([quantized.tensor], count, names, outputs, options);
  }

  /** A kernel call that makes rows. */
  #values(
    kernel: KernelRequest,
    args: readonly FfiObject[],
    { count, columns, blocks }: Omit<Values, "tensor"> & { readonly count: Dimension },
    hint: string,
  ): Values {
    const tensor = blocks
      ? this.#graph.call(kernel, args, activationShape(count, columns), hint, "int32")
      : this.#graph.call(kernel, args, [count, columns], hint);
    return { tensor, columns, blocks };
  }

  #multipliesIntegers(names: readonly string[]): boolean {
    return this.#kernels.multipliesIntegers(names.map((name) => `${name}.weight`));
  }

  /**
   * One matrix product over the weights of several parameters, with what follows it in the same kernel.
   * @param inputs x, and the norm's weight where the kernel normalises.
   * @param names parameters without `.weight` and `.bias`; their outputs stand side by side (or are gated).
   * @param outputs columns of the result.
   */
  #linear(
    inputs: readonly FfiObject[],
    rows: Dimension,
    names: readonly string[],
    outputs: number,
    options: LinearArguments,
  ): Values {
    const { bias = false, residual, gated = false, blocks = false, input } = options;
    const weights = names.map((name) => `${name}.weight`);
    const biases = bias ? names.map((name) => this.#graph.param(`${name}.bias`)) : [];
    const kernel = this.#kernels.linear(rows, weights, {
      bias,
      epilogue: gated ? "silu-mul" : residual === undefined ? "none" : "residual",
      ...(input === undefined ? {} : { input }),
      output: blocks ? "int8" : "float32",
    });
    const args = [...inputs, ...weights.map((weight) => this.#graph.param(weight)), ...biases];
    if (residual !== undefined) args.push(residual);
    const hint = names[0]?.split(".").at(-1) ?? "linear";
    return this.#values(kernel, args, { count: rows, columns: outputs, blocks }, hint);
  }
}

/** Hidden rows on their way through the layers: float32 `[count, hidden]`. */
interface Rows {
  readonly hidden: FfiObject;
  readonly count: Dimension;
}

/** What a kernel made of the step's rows: float32 `[rows, columns]`, or activation blocks of that. */
interface Values {
  readonly tensor: FfiObject;
  readonly columns: number;
  readonly blocks: boolean;
}

/** What a matrix product adds. */
interface LinearArguments {
  /** The parameters' biases. */
  readonly bias?: boolean;
  /** The rows of this tensor. */
  readonly residual?: FfiObject;
  /** Instead: `silu(gate) * up` of two weights, or of one that holds both. */
  readonly gated?: boolean;
  /** The result as activation blocks. */
  readonly blocks?: boolean;
  /** How an integer product of one row reads its input (LinearRequest). */
  readonly input?: "float32" | "norm";
}
