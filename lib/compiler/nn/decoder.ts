// The decoder: hidden rows in, logits out, in seven kernel calls a layer. Written once for every architecture of models/
// and every entry function; what differs between architectures is data in DecoderConfig.
import type { FfiObject } from "../../ffi/index.js";
import type { Dimension } from "../ir/relax-type.js";
import { type DecoderConfig, qkvSize } from "../models/decoder-config.js";
import { ROPE_FREQUENCIES } from "../models/parameters.js";
import type { DecoderKernels } from "./decoder-kernels.js";
import type { FunctionGraph } from "./function-graph.js";

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
  readonly logitRows?: { readonly indices: FfiObject; readonly count: Dimension };
}

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
    const rope = this.#ropeTable();
    let hidden = x;
    for (let layer = 0; layer < this.#config.layers; layer++) {
      hidden = this.#attention(`model.layers.${layer}`, layer, hidden, rope);
      hidden = this.#feedForward(`model.layers.${layer}`, hidden);
    }
    return this.#head(hidden);
  }

  /** Cosines and sines of the step's positions, shared by all layers. */
  #ropeTable(): FfiObject {
    const { positions, rows } = this.#step;
    const { headDim } = this.#config;
    const args = [positions, this.#graph.param(ROPE_FREQUENCIES)];
    return this.#graph.call(this.#kernels.ropeTable(), args, [rows, headDim], "rope");
  }

  /** `x + o_proj(attention(rope(qkv_proj(norm(x)))))`; the step's keys and values go into the pages on the way. */
  #attention(prefix: string, layer: number, x: FfiObject, rope: FfiObject): FfiObject {
    const { rows, form, qIndptr, positions, pageIndptr, pageIndices, kvPages } = this.#step;
    const config = this.#config;
    const weights = ["q_proj", "k_proj", "v_proj"].map((name) => `${prefix}.self_attn.${name}`);
    const normed = this.#norm(x, rows, `${prefix}.input_layernorm.weight`);
    const qkv = this.#linear(normed, rows, weights, qkvSize(config), { bias: config.qkvBias });
    const headNorms = (config.qkNorm ? ["q_norm", "k_norm"] : []).map((name) =>
      this.#graph.param(`${prefix}.self_attn.${name}.weight`),
    );
    const attended = this.#graph.call(
      this.#kernels.attention(form),
      [
        qkv,
        rope,
        ...headNorms,
        qIndptr,
        positions,
        pageIndptr,
        pageIndices,
        kvPages,
        this.#kernels.layerIndex(layer),
      ],
      [rows, config.attentionHeads * config.headDim],
      "attention",
    );
    return this.#linear(attended, rows, [`${prefix}.self_attn.o_proj`], config.hiddenSize, { residual: x });
  }

  /** `x + down_proj(silu(gate_proj(norm(x))) * up_proj(norm(x)))`. */
  #feedForward(prefix: string, x: FfiObject): FfiObject {
    const { rows } = this.#step;
    const { hiddenSize, intermediateSize } = this.#config;
    const normed = this.#norm(x, rows, `${prefix}.post_attention_layernorm.weight`);
    const gateAndUp = [`${prefix}.mlp.gate_proj`, `${prefix}.mlp.up_proj`];
    const activated = this.#linear(normed, rows, gateAndUp, intermediateSize, { gated: true });
    return this.#linear(activated, rows, [`${prefix}.mlp.down_proj`], hiddenSize, { residual: x });
  }

  /** Final norm and output projection of the rows whose logits are wanted. */
  #head(x: FfiObject): FfiObject {
    const { rows, logitRows } = this.#step;
    const { hiddenSize, vocabSize, tieWordEmbeddings } = this.#config;
    const chosen =
      logitRows === undefined
        ? x
        : this.#graph.call(
            this.#kernels.gatherRows(),
            [x, logitRows.indices],
            [logitRows.count, hiddenSize],
            "chosen",
          );
    const count = logitRows?.count ?? rows;
    const normed = this.#norm(chosen, count, "model.norm.weight");
    return this.#linear(normed, count, [tieWordEmbeddings ? "model.embed_tokens" : "lm_head"], vocabSize);
  }

  #norm(x: FfiObject, rows: Dimension, weight: string): FfiObject {
    const args = [x, this.#graph.param(weight)];
    return this.#graph.call(this.#kernels.rmsNorm(rows), args, [rows, this.#config.hiddenSize], "normed");
  }

  /**
   * One matrix product over the weights of several parameters, with what follows it in the same kernel.
   * @param names parameters without `.weight` and `.bias`; their outputs stand side by side (or are gated).
   * @param outputs columns of the result.
   */
  #linear(
    x: FfiObject,
    rows: Dimension,
    names: readonly string[],
    outputs: number,
    options: LinearArguments = {},
  ): FfiObject {
    const { bias = false, residual, gated = false } = options;
    const weights = names.map((name) => `${name}.weight`);
    const biases = bias ? names.map((name) => this.#graph.param(`${name}.bias`)) : [];
    const epilogue = gated ? "silu-mul" : residual === undefined ? "none" : "residual";
    const kernel = this.#kernels.linear(rows, weights, { bias, epilogue });
    const args = [x, ...weights.map((weight) => this.#graph.param(weight)), ...biases];
    if (residual !== undefined) args.push(residual);
    return this.#graph.call(kernel, args, [rows, outputs], names[0]?.split(".").at(-1) ?? "linear");
  }
}

/** What a matrix product adds. */
interface LinearArguments {
  /** The parameters' biases. */
  readonly bias?: boolean;
  /** The rows of this tensor. */
  readonly residual?: FfiObject;
  /** Instead: `silu(first) * second` of two weights. */
  readonly gated?: boolean;
}
