// The kernels an encoder calls beside those of all models.
import { layerNorm, pagedAttention } from "../kernels/index.js";
import type { EncoderSpec } from "./decoder-spec.js";
import type { KernelRequest } from "./function-graph.js";
import { ModelKernels } from "./model-kernels.js";

export class EncoderKernels extends ModelKernels {
  readonly #spec: EncoderSpec;

  constructor(spec: EncoderSpec) {
    super(spec, 0);
    this.#spec = spec;
  }

  /** `(x, positions, table, weight, bias, output)`: the sum of token and position, normalised. */
  embeddingNorm(): KernelRequest {
    const { contextLength } = this.#spec.config;
    return { key: "embedding_norm", make: () => layerNorm({ ...this.#norm(), positions: contextLength }) };
  }

  /** `(x, weight, bias, output)` over the hidden size. */
  layerNorm(): KernelRequest {
    return { key: "layer_norm", make: () => layerNorm(this.#norm()) };
  }

  /** `(qkv, q_indptr, positions, page_indptr, page_indices, kv_pages, layer, output)`: every row sees all of its text. */
  attention(): KernelRequest {
    const { attentionHeads, keyValueHeads, headDim, layers } = this.#spec.config;
    const options = {
      heads: attentionHeads,
      kvHeads: keyValueHeads,
      headDim,
      layers,
      kvDtype: this.#spec.kvDtype,
      form: "prefill",
      rotary: false,
      bidirectional: true,
      ...this.vectors(),
    } as const;
    return { key: "attention_bidirectional", make: () => pagedAttention(options) };
  }

  #norm() {
    const { hiddenSize, layerNormEps } = this.#spec.config;
    return { columns: hiddenSize, epsilon: layerNormEps };
  }
}
