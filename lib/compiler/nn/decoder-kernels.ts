// The kernels a decoder calls, specified from its configuration. Calls with equal specifications share one PrimFunc: its name
// says everything it depends on.
import { call, type FfiObject } from "../../ffi/index.js";
import type { Dimension } from "../ir/relax-type.js";
import {
  type BfloatDotName,
  bestBfloatDot,
  bestDotForm,
  type DotFormName,
  defaultTuning,
  embedding,
  gatherRows,
  type LinearOptions,
  linear,
  linearName,
  pagedAttention,
  quantizeRows,
  rmsNorm,
  ropeTable,
} from "../kernels/index.js";
import type { DecoderConfig } from "../models/decoder-config.js";
import { GATE_AND_UP, GATE_UP } from "../models/parameters.js";
import { isQuantized } from "../quantization/format.js";
import { type DecoderSpec, hasGateUp, type PackedParameter, packedParameters } from "./decoder-spec.js";
import type { KernelRequest } from "./function-graph.js";

/** What a matrix product reads and what it does with its sums before they are stored. */
export interface LinearRequest {
  /** Adds a bias for each weight. */
  readonly bias: boolean;
  /** Nothing more, adds the rows of a tensor, or `silu(gate) * up` of two weights or of one that holds both. */
  readonly epilogue: "none" | "residual" | "silu-mul";
  /** Of an integer product of one row: rows of float32 that it quantises, or normalises and quantises. */
  readonly input?: "float32" | "norm";
  /** "int8": activation blocks. */
  readonly output?: "float32" | "int8";
}

export class DecoderKernels {
  readonly #config: DecoderConfig;
  readonly #spec: DecoderSpec;
  readonly #parameters: ReadonlyMap<string, PackedParameter>;
  /** How quantised weights are multiplied; absent: in float32. */
  readonly #dot: DotFormName | undefined;

  /** How bf16 weights are multiplied; absent: in float32. */
  readonly #bfloatDot: BfloatDotName | undefined;

  constructor(spec: DecoderSpec) {
    this.#config = spec.config;
    this.#spec = spec;
    const { activations = "int8", target } = spec;
    this.#dot = activations === "int8" && target !== undefined ? bestDotForm(target.features) : undefined;
    this.#bfloatDot =
      activations === "int8" && target !== undefined ? bestBfloatDot(target.features) : undefined;
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

  /** `(x, weight, output)` over the hidden size; "int8" makes activation blocks. */
  rmsNorm(rows: Dimension, output: "float32" | "int8"): KernelRequest {
    const { hiddenSize, rmsNormEps } = this.#config;
    const tokens = tokensOf(rows);
    const options = { columns: hiddenSize, epsilon: rmsNormEps, tokens, output };
    return { key: `rms_norm_${output}_${tokens}`, make: () => rmsNorm(options) };
  }

  /** `(x, output)`: rows of float32 to activation blocks. */
  quantizeRows(columns: number): KernelRequest {
    return { key: `quantize_rows_${columns}`, make: () => quantizeRows({ columns }) };
  }

  /** The parameters of a layer's gate and up projection, without the layer's prefix: two, or one that holds both. */
  gateAndUp(layer: number): readonly string[] {
    return hasGateUp(this.#spec, layer) ? [GATE_UP] : GATE_AND_UP;
  }

  /** Whether the product with these parameters takes 8-bit activations: the target can and every weight is quantised. */
  multipliesIntegers(weights: readonly string[]): boolean {
    return this.#dot !== undefined && weights.every((name) => isQuantized(this.#matrix(name).format));
  }

  /**
   * `(x, norm weight, weights..., biases..., residual, output)` over the parameters `weights`; x is activation blocks where
   * `multipliesIntegers(weights)` unless `input` says otherwise.
   */
  linear(rows: Dimension, weights: readonly string[], request: LinearRequest): KernelRequest {
    const { bias, epilogue, input, output = "float32" } = request;
    const matrices = weights.map((name) => this.#matrix(name));
    const columns = matrices[0]?.columns ?? 0;
    const segments = matrices.map(({ format, rows: outputs }) => ({ format, rows: outputs }));
    const tokens = tokensOf(rows);
    const integers =
      this.#dot !== undefined && this.multipliesIntegers(weights)
        ? { dot: this.#dot, input: input ?? ("int8" as const), output, epsilon: this.#config.rmsNormEps }
        : {};
    const bfloats =
      this.#bfloatDot !== undefined && segments.every(({ format }) => format === "bf16")
        ? { bfloatDot: this.#bfloatDot }
        : {};
    const options: LinearOptions = {
      columns,
      segments,
      bias,
      epilogue,
      tokens,
      ...this.#vectors(),
      ...integers,
      ...bfloats,
    };
    const tuned = { ...options, ...this.#tuning(options) };
    return { key: linearName(options), make: () => linear(tuned) };
  }

  /**
   * `(qkv, rope, q_norm, k_norm, q_indptr, positions, page_indptr, page_indices, kv_pages, layer, output)`
   * @param layer decides what its rows see.
   * @param form "decode" where every sequence has exactly one row.
   * @param output "int8" makes activation blocks; the head size is then a multiple of 32.
   */
  attention(layer: number, form: "decode" | "prefill", output: "float32" | "int8"): KernelRequest {
    const { attentionHeads, keyValueHeads, headDim, layers, qkNorm, rmsNormEps } = this.#config;
    const window = this.#config.windows?.[layer];
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
      ...this.#vectors(),
    };
    const seen = window === undefined ? "" : `_window_${window}`;
    return { key: `attention_${form}_${output}${seen}`, make: () => pagedAttention(options) };
  }

  /** `(x, rows, output)` */
  gatherRows(columns: number): KernelRequest {
    return { key: `gather_rows_${columns}`, make: () => gatherRows({ columns }) };
  }

  /** The attention kernel's scalar argument: one kernel serves all layers, or all with the same window. */
  layerIndex(layer: number): FfiObject {
    return call("ir.IntImm", "int64", layer, null);
  }

  #vectors(): { vectorBits?: number } {
    const { target } = this.#spec;
    return target === undefined ? {} : { vectorBits: target.vectorBits };
  }

  /** How an integer product is blocked: as for the processor in general, or as measured for this kernel. */
  #tuning(options: LinearOptions): Pick<LinearOptions, "tuning"> {
    const { target, tuner } = this.#spec;
    if (options.dot === undefined) return {};
    return { tuning: tuner?.(options) ?? defaultTuning(options.dot, target?.cpu) };
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
