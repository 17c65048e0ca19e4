/** The quantisation schemes by name, and the one a source gets when none is named. docs/quantization.md compares them. */
import { MlcError } from "../../errors.js";
import { BLOCK_SIZES } from "../importer/ggml-types.js";
import type { SourceTensor } from "../importer/imported-model.js";
import type { QuantizationScheme } from "./scheme.js";

const SCHEMES: readonly QuantizationScheme[] = [
  {
    name: "q0f32",
    summary: "float32 weights and KV cache: the reference",
    linear: "f32",
    fallback: "f32",
    kvDtype: "float32",
  },
  { name: "q0f16", summary: "float16 weights", linear: "f16", fallback: "f16", kvDtype: "float16" },
  {
    name: "q0bf16",
    summary: "bfloat16 weights, a bfloat16 source bit for bit",
    linear: "bf16",
    fallback: "f32",
    kvDtype: "float16",
  },
  {
    name: "q8_0",
    summary: "8 bits, ggml's q8_0: nearly lossless, the default for float encoders",
    linear: "q8_0",
    fallback: "f16",
    kvDtype: "float16",
  },
  {
    name: "q4_1",
    summary: "4 bits with searched scale and minimum, embeddings 8 bits: the default for float decoders",
    linear: "q4_1",
    embedding: "q8_0",
    fallback: "f16",
    kvDtype: "float16",
  },
  {
    name: "q4_0",
    summary: "4 bits with a searched scale, embeddings 8 bits: a tenth smaller than q4_1",
    linear: "q4_0",
    embedding: "q8_0",
    fallback: "f16",
    kvDtype: "float16",
  },
  {
    name: "q4f16_1",
    summary: "MLC's symmetric 4 bits with float16 scales, embeddings too",
    linear: "q4f16_1",
    fallback: "f16",
    kvDtype: "float16",
  },
  {
    name: "q4f32_1",
    summary: "MLC's symmetric 4 bits with float32 scales, embeddings too",
    linear: "q4f32_1",
    fallback: "f16",
    kvDtype: "float16",
  },
  {
    name: "keep",
    summary: "the source's own formats (Q2_K and Q3_K as q4_1): the default for a quantised GGUF",
    linear: {
      f32: "f32",
      f16: "f16",
      bf16: "bf16",
      q4_0: "q4_0",
      q4_1: "q4_1",
      q8_0: "q8_0",
      q5_0: "q5_0",
      q5_1: "q5_1",
      q2_k: "q4_1",
      q3_k: "q4_1",
      q4_k: "q4_k",
      q5_k: "q5_k",
      q6_k: "q6_k",
    },
    fallback: "f16",
    kvDtype: "float16",
  },
];

/** Names of all schemes, the order of the documentation. */
export const SCHEME_NAMES: readonly string[] = SCHEMES.map(({ name }) => name);

/** The scheme of a name. Errors: ERR_INVALID_ARGUMENT with the names there are. */
export function quantizationScheme(name: string): QuantizationScheme {
  const scheme = SCHEMES.find((candidate) => candidate.name === name);
  if (scheme === undefined) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected one of the quantizations ${SCHEME_NAMES.join(", ")} but received ${JSON.stringify(name)}.`,
    );
  }
  return scheme;
}

/**
 * The scheme for a source when none is named: `keep` where any matrix is quantised; for float weights `q4_1`, of an encoder `q8_0`, as
 * 4 bits move its vectors (docs/quantization.md).
 */
export function defaultScheme(
  tensors: Iterable<Pick<SourceTensor, "shape" | "dtype">>,
  { encoder = false }: { readonly encoder?: boolean } = {},
): QuantizationScheme {
  for (const { shape, dtype } of tensors) {
    if (shape.length > 1 && BLOCK_SIZES[dtype].values > 1) return quantizationScheme("keep");
  }
  return quantizationScheme(encoder ? "q8_0" : "q4_1");
}
