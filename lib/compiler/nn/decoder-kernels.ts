// The kernels a decoder calls, specified from its configuration. Calls with equal specifications share one PrimFunc: its name
// says everything it depends on.
import { call, type FfiObject } from "../../ffi/index.js";
import type { Dimension } from "../ir/relax-type.js";
import {
  embedding,
  gatherRows,
  type LinearOptions,
  linear,
  pagedAttention,
  rmsNorm,
  ropeTable,
} from "../kernels/index.js";
import type { DecoderConfig } from "../models/decoder-config.js";
import { type DecoderSpec, type PackedParameter, packedParameters } from "./decoder-spec.js";
import type { KernelRequest } from "./function-graph.js";

/** What a matrix product does with its sums before they are stored. */
export interface LinearEpilogue {
  /** Adds a bias for each weight. */
  readonly bias: boolean;
  /** Nothing more, adds the rows of a tensor, or `silu(first) * second` of two weights. */
  readonly epilogue: "none" | "residual" | "silu-mul";
}

export class DecoderKernels {
  readonly #config: DecoderConfig;
  readonly #spec: DecoderSpec;
  readonly #parameters: ReadonlyMap<string, PackedParameter>;

  constructor(spec: DecoderSpec) {
    this.#config = spec.config;
    this.#spec = spec;
    this.#parameters = new Map(packedParameters(spec).map((parameter) => [parameter.name, parameter]));
  }

  /** `(ids, table, output)` */
  embedding(): KernelRequest {
    const { rows, columns, format } = this.#matrix("model.embed_tokens.weight");
    return { key: `embedding_${format}`, make: () => embedding({ rows, columns, format }) };
  }

  /** `(positions, inv_freq, output)` */
  ropeTable(): KernelRequest {
    const { headDim } = this.#config;
    return { key: "rope_table", make: () => ropeTable({ headDim }) };
  }

  /** `(x, weight, output)` over the hidden size. */
  rmsNorm(rows: Dimension): KernelRequest {
    const { hiddenSize, rmsNormEps } = this.#config;
    const tokens = tokensOf(rows);
    const options = { columns: hiddenSize, epsilon: rmsNormEps, tokens };
    return { key: `rms_norm_${tokens}`, make: () => rmsNorm(options) };
  }

  /** `(x, weights..., biases..., residual, output)` over the parameters `weights`. */
  linear(rows: Dimension, weights: readonly string[], { bias, epilogue }: LinearEpilogue): KernelRequest {
    const matrices = weights.map((name) => this.#matrix(name));
    const columns = matrices[0]?.columns ?? 0;
    const segments = matrices.map(({ format, rows: outputs }) => ({ format, rows: outputs }));
    const tokens = tokensOf(rows);
    const options: LinearOptions = { columns, segments, bias, epilogue, tokens, ...this.#vectors() };
    const shapes = segments.map(({ format, rows: outputs }) => `${outputs}_${format}`).join("_");
    const suffix = [bias ? "bias" : "", epilogue === "none" ? "" : epilogue.replace("-", "_")].filter(
      Boolean,
    );
    return {
      key: ["linear", tokens, columns, shapes, ...suffix].join("_"),
      make: () => linear(options),
    };
  }

  /**
   * `(qkv, rope, q_norm, k_norm, q_indptr, positions, page_indptr, page_indices, kv_pages, layer, output)`
   * @param form "decode" where every sequence has exactly one row.
   */
  attention(form: "decode" | "prefill"): KernelRequest {
    const { attentionHeads, keyValueHeads, headDim, layers, qkNorm, rmsNormEps } = this.#config;
    const options = {
      heads: attentionHeads,
      kvHeads: keyValueHeads,
      headDim,
      layers,
      kvDtype: this.#spec.kvDtype,
      form,
      ...(qkNorm ? { qkNorm: { epsilon: rmsNormEps } } : {}),
      ...this.#vectors(),
    };
    return { key: `attention_${form}`, make: () => pagedAttention(options) };
  }

  /** `(x, rows, output)` over the hidden size. */
  gatherRows(): KernelRequest {
    const { hiddenSize } = this.#config;
    return { key: "gather_rows", make: () => gatherRows({ columns: hiddenSize }) };
  }

  /** The attention kernel's scalar argument: one kernel serves all layers. */
  layerIndex(layer: number): FfiObject {
    return call("ir.IntImm", "int64", layer, null);
  }

  #vectors(): { vectorBits?: number } {
    const { vectorBits } = this.#spec;
    return vectorBits === undefined ? {} : { vectorBits };
  }

  #matrix(name: string) {
    const parameter = this.#parameters.get(name);
    if (parameter === undefined || parameter.format === "vector") throw new RangeError(`no matrix "${name}"`);
    const [rows = 0, columns = 0] = parameter.shape;
    return { rows, columns, format: parameter.format };
  }
}

/** Kernels know one row, or any number of them. */
function tokensOf(rows: Dimension): 1 | "n" {
  return rows === 1 ? 1 : "n";
}
