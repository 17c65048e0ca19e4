import {
  type BlockDecoder,
  decodeBF16,
  decodeF16,
  decodeF32,
  decodeQ4_0,
  decodeQ4_1,
  decodeQ5_0,
  decodeQ5_1,
  decodeQ8_0,
} from "./ggml-blocks.js";
import { decodeQ2K, decodeQ3K, decodeQ4K, decodeQ5K, decodeQ6K } from "./ggml-k-blocks.js";
import type { SourceDtype } from "./ggml-types.js";

/** The decoder of each source type. */
export const BLOCK_DECODERS: Readonly<Record<SourceDtype, BlockDecoder>> = {
  f32: decodeF32,
  f16: decodeF16,
  bf16: decodeBF16,
  q4_0: decodeQ4_0,
  q4_1: decodeQ4_1,
  q5_0: decodeQ5_0,
  q5_1: decodeQ5_1,
  q8_0: decodeQ8_0,
  q2_k: decodeQ2K,
  q3_k: decodeQ3K,
  q4_k: decodeQ4K,
  q5_k: decodeQ5K,
  q6_k: decodeQ6K,
};
