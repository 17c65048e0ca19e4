// The kernels that models of all kinds call, specified from their parameters. Calls with equal specifications share one PrimFunc: its name
// says everything it depends on.
import { call, type FfiObject } from "../../ffi/index.js";
import type { Dimension } from "../ir/relax-type.js";
import {
  type BfloatDotName,
  bestBfloatDot,
  bestDotForm,
  type DotFormName,
  defaultTuning,
  type KernelSet,
  kernelSet,
  type LinearOptions,
  linearName,
  quantizeRows,
} from "../kernels/index.js";
import { isQuantized } from "../quantization/format.js";
import { type ModelSpec, type PackedParameter, packedParameters } from "./decoder-spec.js";
import type { KernelRequest } from "./function-graph.js";

/** What a matrix product reads and what it does with its sums before they are stored. */
export interface LinearRequest {
  /** Adds a bias for each weight. */
  readonly bias: boolean;
  /** Nothing more, adds the rows of a tensor, takes the GELU or tanh, or `silu(gate) * up` of two weights or of one that holds both. */
  readonly epilogue: "none" | "residual" | "gelu" | "tanh" | "silu-mul";
  /** Of an integer product of one row: rows of float32 that it quantises, or normalises and quantises. */
  readonly input?: "float32" | "norm";
  /** "int8": activation blocks. */
  readonly output?: "float32" | "int8";
}

export abstract class ModelKernels {
  /** Those of the target's kind. */
  protected readonly kernels: KernelSet;
  readonly #spec: ModelSpec;
  readonly #epsilon: number;
  readonly #parameters: ReadonlyMap<string, PackedParameter>;
  /** How quantised weights are multiplied; absent: in float32. */
  readonly #dot: DotFormName | undefined;

  /** How bf16 weights are multiplied; absent: in float32. */
  readonly #bfloatDot: BfloatDotName | undefined;

  /** `epsilon`: that of the RMS norm that a product of one row may do itself; 0 for a model without. */
  constructor(spec: ModelSpec, epsilon: number) {
    this.#spec = spec;
    this.#epsilon = epsilon;
    const { activations = "int8", target } = spec;
    this.kernels = kernelSet(target?.gpu);
    const rounds = activations === "int8" && target !== undefined && target.gpu === undefined;
    this.#dot = rounds ? bestDotForm(target.features) : undefined;
    this.#bfloatDot = rounds ? bestBfloatDot(target.features) : undefined;
    this.#parameters = new Map(packedParameters(spec).map((parameter) => [parameter.name, parameter]));
  }

  /** `(ids, table, output)`; `table` is the parameter's name. With `types` kinds of tokens `(ids, table, type table, output)`. */
  embedding(table: string, types?: number): KernelRequest {
    const { rows, columns, format } = this.#matrix(table);
    const kinds = types === undefined ? {} : { types };
    return {
      key: `embedding_${format}`,
      make: () => this.kernels.embedding({ rows, columns, format, ...kinds }),
    };
  }

  /** `(x, output)`: rows of float32 to activation blocks. */
  quantizeRows(columns: number): KernelRequest {
    return { key: `quantize_rows_${columns}`, make: () => quantizeRows({ columns }) };
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
        ? { dot: this.#dot, input: input ?? ("int8" as const), output, epsilon: this.#epsilon }
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
      ...this.vectors(),
      ...integers,
      ...bfloats,
    };
    const tuned = { ...options, ...this.#tuning(options) };
    return { key: linearName(options), make: () => this.kernels.linear(tuned) };
  }

  /** `(x, rows, output)` */
  gatherRows(columns: number): KernelRequest {
    return { key: `gather_rows_${columns}`, make: () => this.kernels.gatherRows({ columns }) };
  }

  /** The attention kernel's scalar argument: one kernel serves all layers, or all with the same window. */
  layerIndex(layer: number): FfiObject {
    return call("ir.IntImm", this.#spec.target?.gpu === undefined ? "int64" : "int32", layer, null);
  }

  /** The target's registers, where there is a target. */
  protected vectors(): { vectorBits?: number } {
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
export function tokensOf(rows: Dimension): 1 | "n" {
  return rows === 1 ? 1 : "n";
}
