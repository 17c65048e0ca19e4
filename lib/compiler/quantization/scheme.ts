/**
 * A quantisation scheme: which format each tensor of a model gets. Leaf over the formats; the quantisers and the packer obey it.
 * Schemes are data (registry.ts); this file turns one into a choice for one tensor.
 */
import type { KvDtype } from "../../package/kv-format.js";
import type { SourceDtype, SourceTensor } from "../importer/imported-model.js";
import { WEIGHT_FORMATS, type WeightFormat } from "./format.js";
import type { ParamFormat } from "./pack-rows16.js";

/** A scheme as data. */
export interface QuantizationScheme {
  readonly name: string;
  /** One line for `--help` and the documentation. */
  readonly summary: string;
  /** Format of linear weights: one, or by the type of the source tensor. */
  readonly linear: WeightFormat | Readonly<Record<SourceDtype, WeightFormat>>;
  /** Format of the token embedding and of the output head where it differs: they carry most of a 4-bit model's loss. */
  readonly embedding?: WeightFormat;
  /** Format of a matrix whose columns are no multiple of a block's. */
  readonly fallback: "f32" | "f16";
  /** Element type of the KV cache where none is asked for. */
  readonly kvDtype: KvDtype;
}

/** What a scheme decided about one tensor. */
export interface FormatChoice {
  readonly format: ParamFormat;
  /** One line for the user where the tensor does not get the scheme's format; the packer measures the loss. */
  readonly notice?: string;
}

/** Names of the tensors `embedding` applies to. */
const EMBEDDING_NAMES: readonly string[] = [
  "model.embed_tokens.weight",
  "lm_head.weight",
  "embeddings.word_embeddings.weight",
  "classifier.weight",
  "classifier.out_proj.weight",
];

/**
 * Format of one tensor under a scheme. A ggml tensor that already has the scheme's linear format keeps it (bit for bit), embeddings
 * included: to requantise it would only lose.
 */
export function chooseFormat(
  scheme: QuantizationScheme,
  tensor: Pick<SourceTensor, "name" | "shape" | "dtype">,
): FormatChoice {
  if (tensor.shape.length === 1) return { format: "vector" };
  const linear = typeof scheme.linear === "string" ? scheme.linear : scheme.linear[tensor.dtype];
  const isEmbedding = EMBEDDING_NAMES.includes(tensor.name);
  const wanted = isEmbedding && linear !== tensor.dtype ? (scheme.embedding ?? linear) : linear;
  const columns = tensor.shape[1] ?? 0;
  const { blockColumns } = WEIGHT_FORMATS[wanted];
  if (columns % blockColumns !== 0) {
    return {
      format: scheme.fallback,
      notice: `${tensor.name}: ${columns} columns are no multiple of ${blockColumns}, stored as ${scheme.fallback} instead of ${wanted}`,
    };
  }
  return { format: wanted };
}
