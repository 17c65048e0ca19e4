// The entry functions of a package's library, which have one signature for all models (docs/architecture.md).
import type { FfiObject } from "../../ffi/index.js";
import { kvRecordSize } from "../../package/kv-format.js";
import { BlockBuilder } from "../ir/block-builder.js";
import { relaxVar } from "../ir/relax-expression.js";
import { type Dimension, sizeVar, tensorType, tupleType } from "../ir/relax-type.js";
import type { StepInputs } from "./decoder.js";
import { type ModelSpec, packedParameters, pageDtype } from "./decoder-spec.js";
import { FunctionGraph } from "./function-graph.js";
import type { ModelKernels } from "./model-kernels.js";

/** The entry functions a library may have; that of an encoder has only ENCODER_FUNCTIONS. */
export const ENTRY_FUNCTIONS = ["embed", "decode", "batch_decode", "batch_prefill", "encode"] as const;
export type EntryFunction = (typeof ENTRY_FUNCTIONS)[number];
/** The entry functions of a model that only gives embeddings. */
export const ENCODER_FUNCTIONS: readonly EntryFunction[] = ["embed", "encode"];

/** What a model makes of the rows of a step. */
export interface Network {
  /** The parameter that holds the rows of tokens. */
  readonly table: string;
  /** The parameter that holds a row for each of `count` kinds of tokens; absent: there is one kind. */
  readonly types?: { readonly table: string; readonly count: number };
  /** The result of the function `name`: logits, or for "encode" hidden rows or the logits of a classifier. */
  compute(name: EntryFunction, graph: FunctionGraph, step: StepInputs, x: FfiObject): FfiObject;
}

/** Builds a module: each method adds a function of its name. */
export class EntryFunctions {
  readonly #spec: ModelSpec;
  readonly #builder = new BlockBuilder();
  readonly #kernels: ModelKernels;
  readonly #network: Network;
  readonly #parameterIndex: ReadonlyMap<string, number>;
  readonly #parameterTypes: readonly FfiObject[];

  constructor(spec: ModelSpec, kernels: ModelKernels, network: Network) {
    this.#spec = spec;
    this.#kernels = kernels;
    this.#network = network;
    const parameters = packedParameters(spec);
    this.#parameterIndex = new Map(parameters.map(({ name }, index) => [name, index]));
    this.#parameterTypes = parameters.map(({ packedShape, dtype }) => tensorType(packedShape, dtype));
  }

  /** The module. */
  finish(): FfiObject {
    return this.#builder.finish();
  }

  /** `embed(input_ids, params)`: rows of the embedding table, with those of the tokens' kinds where there are several. */
  embed(): void {
    const n = sizeVar("n");
    const ids = relaxVar("input_ids", tensorType([n], "int32"));
    const params = this.#params();
    const { hiddenSize } = this.#spec.config;
    this.#builder.relaxFunction("embed", [ids, params], this.#attributes({ n: this.#mostRows() }), (emit) => {
      const graph = new FunctionGraph(this.#builder, emit, params, this.#parameterIndex);
      const { table, types } = this.#network;
      const kernel = this.#kernels.embedding(table, types?.count);
      const tables = [table, ...(types === undefined ? [] : [types.table])].map((name) => graph.param(name));
      return graph.call(kernel, [ids, ...tables], [n, hiddenSize], "embedded");
    });
  }

  /** One row of one sequence: every size but the pages' is a constant. */
  decode(): void {
    this.#step("decode", { rows: 1, sequencesPlusOne: 2, logitRows: 1, chooseRows: false }, {});
  }

  /** One row of each of `b` sequences; logits of all rows, `logit_rows` is not read. */
  batchDecode(): void {
    const b = sizeVar("b");
    const sizes = {
      rows: b,
      sequencesPlusOne: sizeVar("b_plus_1"),
      logitRows: sizeVar("m"),
      chooseRows: false,
    };
    this.#step("batch_decode", sizes, { b: this.#spec.maxBatch });
  }

  /** Any mix of prompt chunks and single rows; logits of the rows `logit_rows` names. */
  batchPrefill(): void {
    this.#mixedStep("batch_prefill");
  }

  /** As `batch_prefill`, with the rows after the final norm in place of their logits: what embeddings are made of. Of a classifier its logits. */
  encode(): void {
    this.#mixedStep("encode");
  }

  #mixedStep(name: "batch_prefill" | "encode"): void {
    const sizes = {
      rows: sizeVar("n"),
      sequencesPlusOne: sizeVar("b_plus_1"),
      logitRows: sizeVar("m"),
      chooseRows: true,
    };
    this.#step(name, sizes, { n: this.#mostRows(), m: this.#mostRows() });
  }

  /** `n` of a step that may carry one row of every sequence beside a prompt chunk. */
  #mostRows(): number {
    return Math.max(this.#spec.prefillChunk, this.#spec.maxBatch);
  }

  #step(name: EntryFunction, sizes: StepSizes, bounds: Readonly<Record<string, number>>): void {
    const { config, kvDtype } = this.#spec;
    const { rows, sequencesPlusOne } = sizes;
    const int32 = (variable: string, size: Dimension) => relaxVar(variable, tensorType([size], "int32"));
    const pageShape = [config.layers, 2, config.keyValueHeads, kvRecordSize(kvDtype, config.headDim)];
    const x = relaxVar("x", tensorType([rows, config.hiddenSize], "float32"));
    const logitRows = int32("logit_rows", sizes.logitRows);
    const params = this.#params();
    const step = {
      rows,
      form: sizes.chooseRows ? "prefill" : "decode",
      qIndptr: int32("q_indptr", sequencesPlusOne),
      positions: int32("positions", rows),
      pageIndptr: int32("page_indptr", sequencesPlusOne),
      pageIndices: int32("page_indices", sizeVar("p")),
      kvPages: relaxVar("kv_pages", tensorType([sizeVar("num_pages"), ...pageShape], pageDtype(this.#spec))),
      ...(sizes.chooseRows ? { logitRows: { indices: logitRows, count: sizes.logitRows } } : {}),
    } satisfies StepInputs;
    const { qIndptr, positions, pageIndptr, pageIndices, kvPages } = step;
    const inputs = [x, qIndptr, positions, pageIndptr, pageIndices, logitRows, kvPages];
    const attributes = this.#attributes(bounds, inputs.length);
    this.#builder.relaxFunction(name, [...inputs, params], attributes, (emit) => {
      const graph = new FunctionGraph(this.#builder, emit, params, this.#parameterIndex);
      return this.#network.compute(name, graph, step, x);
    });
  }

  #params(): FfiObject {
    return relaxVar("params", tupleType(this.#parameterTypes));
  }

  /** Attributes the passes read: inputs before the weights, upper bounds of symbolic sizes. */
  #attributes(bounds: Readonly<Record<string, number>>, inputs = 1) {
    return { num_input: inputs, tir_var_upper_bound: bounds };
  }
}

/** Symbolic or constant sizes of one entry function. */
interface StepSizes {
  readonly rows: Dimension;
  readonly sequencesPlusOne: Dimension;
  readonly logitRows: Dimension;
  /** Whether `logit_rows` chooses rows, rather than all rows giving logits. */
  readonly chooseRows: boolean;
}
