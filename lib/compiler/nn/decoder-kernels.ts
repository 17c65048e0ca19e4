// The kernels a decoder calls beside those of all models.
import type { Dimension } from "../ir/relax-type.js";
import { GATE_AND_UP, GATE_UP } from "../models/parameters.js";
import { type DecoderSpec, hasGateUp } from "./decoder-spec.js";
import type { KernelRequest } from "./function-graph.js";
import { ModelKernels, tokensOf } from "./model-kernels.js";

export class DecoderKernels extends ModelKernels {
  readonly #spec: DecoderSpec;

  constructor(spec: DecoderSpec) {
    super(spec, spec.config.rmsNormEps);
    this.#spec = spec;
  }

  /** `(positions, inv_freq, output)` */
  ropeTable(): KernelRequest {
    const { headDim } = this.#spec.config;
    return { key: "rope_table", make: () => this.kernels.ropeTable({ headDim }) };
  }

  /** `(x, weight, output)` over the hidden size; "int8" makes activation blocks. */
  rmsNorm(rows: Dimension, output: "float32" | "int8"): KernelRequest {
    const { hiddenSize, rmsNormEps } = this.#spec.config;
    const tokens = tokensOf(rows);
    const options = { columns: hiddenSize, epsilon: rmsNormEps, tokens, output };
    return { key: `rms_norm_${output}_${tokens}`, make: () => this.kernels.rmsNorm(options) };
  }

  /** The parameters of a layer's gate and up projection, without the layer's prefix: two, or one that holds both. */
  gateAndUp(layer: number): readonly string[] {
    return hasGateUp(this.#spec, layer) ? [GATE_UP] : GATE_AND_UP;
  }

  /**
   * `(qkv, rope, q_norm, k_norm, q_indptr, positions, page_indptr, page_indices, kv_pages, layer, output)`
   * @param layer decides what its rows see.
   * @param form "decode" where every sequence has exactly one row.
   * @param output "int8" makes activation blocks; the head size is then a multiple of 32.
   */
  attention(layer: number, form: "decode" | "prefill", output: "float32" | "int8"): KernelRequest {
    const { attentionHeads, keyValueHeads, headDim, layers, qkNorm, rmsNormEps } = this.#spec.config;
    const window = this.#spec.config.windows?.[layer];
    const options = {
      heads: attentionHeads,
      kvHeads: keyValueHeads,
      headDim,
      layers,
      kvDtype: this.#spec.kvDtype,
      form,
      output,
      ...(qkNorm ? { qkNorm: { epsilon: rmsNormEps } } : {}),
      ...(window === undefined ? {} : { window }),
      ...this.vectors(),
    };
    const seen = window === undefined ? "" : `_window_${window}`;
    return { key: `attention_${form}_${output}${seen}`, make: () => this.kernels.pagedAttention(options) };
  }
}
