import { MlcError } from "../../errors.js";
import { type KvDtype, kvRecordSize, PAGE_SIZE } from "../../package/kv-format.js";
import { Buffer, type IndexDtype } from "../ir/buffer.js";
import { type PrimExpr, variable } from "../ir/prim-expr.js";
import { GROUP_SIZE } from "../quantization/format.js";
import { activationBuffer } from "./activation-blocks.js";
import { checkVisibility, type Visibility } from "./attention-visibility.js";

/** One vector of positions is a page. */
export { PAGE_SIZE };

/** Records of an int8 cache are aligned where their codes end at a multiple of this many positions of elements. */
const SCALE_BYTES = 4;

/** Type of an attention kernel's output; see `output` of AttentionOptions. */
export type AttentionOutput = "float32" | "int8";

export interface AttentionOptions extends Visibility {
  /** Query heads; a multiple of `kvHeads`. */
  readonly heads: number;
  readonly kvHeads: number;
  /** Even. */
  readonly headDim: number;
  readonly layers: number;
  /** Element type of the KV pages; "int8" needs a head size in multiples of 4. */
  readonly kvDtype: KvDtype;
  /** Whether queries and keys are rotated; without, there is no parameter `rope`. Default true. */
  readonly rotary?: boolean;
  /** RMS normalisation of each query and key head before the rotation. */
  readonly qkNorm?: { readonly epsilon: number };
  /**
   * A learned logit for each query head takes part in its softmax without a value (gpt-oss): the parameter `sinks`. Default: none.
   */
  readonly sinkLogits?: boolean;
  /** "decode": exactly one row of each sequence, in order; "prefill": any number of rows of each sequence. */
  readonly form: "decode" | "prefill";
  /**
   * Default "float32": [n, heads * headDim]. "int8": activation blocks of the same rows (see activation-blocks.ts), int32
   * [n, heads * headDim / 32, 12]; the head size must be a multiple of 32.
   */
  readonly output?: AttentionOutput;
  /** Width of the target's vector registers in bits; decides the register tile. Default 512. */
  readonly vectorBits?: number;
}

/** The parameters of a paged attention kernel; `parameters` is the call order. */
export interface AttentionBuffers {
  /** Rows of the step. */
  readonly n: PrimExpr;
  /** Sequences of the step. */
  readonly sequences: PrimExpr;
  readonly qkv: Buffer;
  readonly rope: Buffer | undefined;
  readonly norms: { readonly query: Buffer; readonly key: Buffer } | undefined;
  /** Sink logits, float32 [heads]. */
  readonly sinks: Buffer | undefined;
  readonly qIndptr: Buffer;
  readonly positions: Buffer;
  readonly pageIndptr: Buffer;
  readonly pageIndices: Buffer;
  readonly pages: Buffer;
  readonly layer: PrimExpr;
  readonly output: Buffer;
  readonly parameters: readonly (Buffer | PrimExpr)[];
}

/** What the parameters of an attention kernel are passed as, where that is not the CPU's way. */
export interface AttentionBufferTypes {
  /** What the elements of the pages are taken for. */
  readonly pageDtype?: string;
  /** Type of sizes and indices, and of those of the pages. */
  readonly index?: IndexDtype;
  readonly pageIndex?: IndexDtype;
}

/**
 * Makes the parameters; throws ERR_INVALID_ARGUMENT for head counts, a head size or a window the kernel does not know.
 */
export function attentionBuffers(
  options: AttentionOptions,
  { pageDtype = options.kvDtype, index = "int64", pageIndex = "int64" }: AttentionBufferTypes = {},
): AttentionBuffers {
  checkShape(options);
  checkVisibility(options);
  const { heads, kvHeads, headDim, layers, kvDtype } = options;
  const n = variable("n", index);
  const indptrSize = variable("sequences_plus_1", index);
  const vector = (name: string) => new Buffer(name, [headDim], "float32", index);
  const qkv = new Buffer("qkv", [n, (heads + 2 * kvHeads) * headDim], "float32", index);
  const rope = options.rotary === false ? undefined : new Buffer("rope", [n, headDim], "float32", index);
  const norms = options.qkNorm === undefined ? undefined : { query: vector("q_norm"), key: vector("k_norm") };
  const sinks = options.sinkLogits === true ? new Buffer("sinks", [heads], "float32", index) : undefined;
  const qIndptr = new Buffer("q_indptr", [indptrSize], "int32", index);
  const positions = new Buffer("positions", [n], "int32", index);
  const pageIndptr = new Buffer("page_indptr", [indptrSize], "int32", index);
  const pageIndices = new Buffer("page_indices", [variable("p", index)], "int32", index);
  const pageShape = [variable("num_pages", pageIndex), layers, 2, kvHeads, kvRecordSize(kvDtype, headDim)];
  const pages = new Buffer("kv_pages", pageShape, pageDtype, pageIndex);
  const layer = variable("layer", index);
  const columns = heads * headDim;
  const output =
    options.output === "int8"
      ? activationBuffer("output", n, columns)
      : new Buffer("output", [n, columns], "float32", index);
  const weights = [rope, norms?.query, norms?.key, sinks].filter((buffer) => buffer !== undefined);
  const tables = [qIndptr, positions, pageIndptr, pageIndices];
  return {
    n,
    sequences: indptrSize.sub(1),
    qkv,
    rope,
    norms,
    sinks,
    qIndptr,
    positions,
    pageIndptr,
    pageIndices,
    pages,
    layer,
    output,
    parameters: [qkv, ...weights, ...tables, pages, layer, output],
  };
}

function checkShape(options: AttentionOptions): void {
  const { heads, kvHeads, headDim, kvDtype, output } = options;
  if (options.bidirectional === true && options.form !== "prefill") {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected the form "prefill" of bidirectional attention but received "${options.form}".`,
    );
  }
  if (heads % kvHeads !== 0 || headDim % 2 !== 0) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected query heads in multiples of key heads and an even head size but received ${heads}, ${kvHeads} and ${headDim}.`,
    );
  }
  if (kvDtype === "int8" && headDim % SCALE_BYTES !== 0) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected a head size in multiples of ${SCALE_BYTES} for an int8 KV cache but received ${headDim}: use "float16".`,
    );
  }
  if (output === "int8" && headDim % GROUP_SIZE !== 0) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected a head size in multiples of ${GROUP_SIZE} for int8 output but received ${headDim}: use output "float32".`,
    );
  }
}
