// Rotary position embedding: the frequencies, which are a property of the checkpoint and become the synthetic parameter
// `rope.inv_freq`. Method: RoFormer (arXiv 2104.09864); "llama3" scaling as published with Llama 3.1.

/** How rotary frequencies are stretched for contexts longer than the pre-training one. */
export type RopeScaling =
  | { readonly type: "linear"; readonly factor: number }
  | {
      readonly type: "llama3";
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      /** Context length of pre-training, tokens. */
      readonly originalContextLength: number;
    }
  /** Divisors of the frequencies, `[headDim / 2]`: the form in which GGUF files store llama3 scaling. */
  | { readonly type: "factors"; readonly factors: readonly number[] };

/**
 * Angle per position of each rotated pair, radians.
 * @returns float32 `[headDim / 2]`: `theta^(-2i / headDim)`, with the scaling applied.
 */
export function inverseFrequencies(headDim: number, theta: number, scaling?: RopeScaling): Float32Array {
  const base = Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim));
  return Float32Array.from(base, (frequency, i) => scaleFrequency(frequency, i, scaling));
}

function scaleFrequency(frequency: number, pair: number, scaling: RopeScaling | undefined): number {
  if (scaling === undefined) return frequency;
  if (scaling.type === "factors") return frequency / (scaling.factors[pair] ?? 1);
  if (scaling.type === "linear") return frequency / scaling.factor;
  // Long waves are stretched by the factor, short ones kept, those in between blended.
  const turns = (scaling.originalContextLength * frequency) / (2 * Math.PI);
  if (turns < scaling.lowFreqFactor) return frequency / scaling.factor;
  if (turns > scaling.highFreqFactor) return frequency;
  const smooth = (turns - scaling.lowFreqFactor) / (scaling.highFreqFactor - scaling.lowFreqFactor);
  return ((1 - smooth) / scaling.factor + smooth) * frequency;
}
