/** Which tensors a model has and in which type each scheme stores them, in the order of llama.cpp's files. */
import { BLOCK_SIZES, type SourceDtype } from "../../lib/compiler/importer/ggml-types.js";
import type { ModelShape } from "./model-shapes.js";

/** How the matrices are quantised. */
export const RANDOM_SCHEMES = ["q4_0p", "q4_0", "q4_k_m"] as const;

/**
 * `q4_0p`: every matrix Q4_0. `q4_0` and `q4_k_m`: the types llama.cpp's quantiser chooses (llama-quant.cpp), with its
 * substitutes where the columns are no multiple of 256.
 */
export type RandomScheme = (typeof RANDOM_SCHEMES)[number];

/** Value of general.file_type (llama_ftype). */
export const FILE_TYPES: Readonly<Record<RandomScheme, number>> = { q4_0p: 2, q4_0: 2, q4_k_m: 15 };

/** What the values of a tensor are drawn as: norms are ones, biases small numbers, matrices random blocks. */
export type TensorContent = "ones" | "bias" | "matrix";

/** A tensor to write. */
export interface RandomTensor {
  readonly name: string;
  /** Rows and columns of a matrix, the length of a vector. */
  readonly shape: readonly number[];
  readonly dtype: SourceDtype;
  readonly content: TensorContent;
}

/** All tensors of a model under a scheme. */
export function randomTensors(shape: ModelShape, scheme: RandomScheme): RandomTensor[] {
  const base = scheme === "q4_k_m" ? "q4_k" : "q4_0";
  const embedding = scheme === "q4_0p" ? "q4_0" : "q6_k";
  return [
    matrix("token_embd", shape.vocabulary, shape.hidden, embedding),
    vector("output_norm.weight", shape.hidden, "ones"),
    ...Array.from({ length: shape.layers }, (_, layer) => layer).flatMap((layer) =>
      layerTensors(
        shape,
        `blk.${layer}`,
        base,
        scheme === "q4_k_m" && hasMoreBits(layer, shape.layers) ? "q6_k" : base,
      ),
    ),
  ];
}

/** `precise` is the type of the two matrices per layer that Q4_K_M gives more bits in some layers. */
function layerTensors(
  { hidden, heads, kvHeads, feedForward, qkvBias }: ModelShape,
  prefix: string,
  base: SourceDtype,
  precise: SourceDtype,
): RandomTensor[] {
  const kvRows = (hidden / heads) * kvHeads;
  const bias = (name: string, length: number) =>
    qkvBias ? [vector(`${prefix}.${name}.bias`, length, "bias")] : [];
  return [
    vector(`${prefix}.attn_norm.weight`, hidden, "ones"),
    vector(`${prefix}.ffn_norm.weight`, hidden, "ones"),
    matrix(`${prefix}.attn_q`, hidden, hidden, base),
    matrix(`${prefix}.attn_k`, kvRows, hidden, base),
    matrix(`${prefix}.attn_v`, kvRows, hidden, precise),
    matrix(`${prefix}.attn_output`, hidden, hidden, base),
    ...bias("attn_q", hidden),
    ...bias("attn_k", kvRows),
    ...bias("attn_v", kvRows),
    matrix(`${prefix}.ffn_gate`, feedForward, hidden, base),
    matrix(`${prefix}.ffn_up`, feedForward, hidden, base),
    matrix(`${prefix}.ffn_down`, hidden, feedForward, precise),
  ];
}

/** The layers Q4_K_M gives more bits: the first and last eighth and every third between (llama.cpp's use_more_bits). */
function hasMoreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

/** What llama.cpp takes instead where a row is no whole number of blocks. */
const SUBSTITUTES: Partial<Record<SourceDtype, SourceDtype>> = { q4_k: "q5_0", q6_k: "q8_0" };

function matrix(name: string, rows: number, columns: number, dtype: SourceDtype): RandomTensor {
  const fits = columns % BLOCK_SIZES[dtype].values === 0;
  return {
    name: `${name}.weight`,
    shape: [rows, columns],
    dtype: fits ? dtype : (SUBSTITUTES[dtype] ?? dtype),
    content: "matrix",
  };
}

function vector(name: string, length: number, content: TensorContent): RandomTensor {
  return { name, shape: [length], dtype: "f32", content };
}
