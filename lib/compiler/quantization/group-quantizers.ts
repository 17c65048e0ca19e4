/** The quantiser of each format that float weights can be quantised to; the others are only ever taken over from a source. */
import { quantizeQ40 } from "./quantize-q4-0.js";
import { quantizeQ41 } from "./quantize-q4-1.js";
import { quantizeQ80 } from "./quantize-q8-0.js";
import { quantizeQ4F16, quantizeQ4F32 } from "./quantize-symmetric.js";
import type { GroupQuantizer, QuantizedFormat } from "./row-block.js";

export const GROUP_QUANTIZERS = {
  q4_0: quantizeQ40,
  q4_1: quantizeQ41,
  q8_0: quantizeQ80,
  q4f16_1: quantizeQ4F16,
  q4f32_1: quantizeQ4F32,
} as const satisfies Partial<Record<QuantizedFormat, GroupQuantizer>>;

/** A format that has a quantiser. */
export type QuantizableFormat = keyof typeof GROUP_QUANTIZERS;

/** Whether float weights can be quantised to `format`. */
export function isQuantizable(format: QuantizedFormat): format is QuantizableFormat {
  return Object.hasOwn(GROUP_QUANTIZERS, format);
}
