import type { DecoderConfig } from "./decoder-config.js";
import type { EncoderConfig } from "./encoder-config.js";
import { encoderParameters } from "./encoder-parameters.js";
import { decoderParameters, type ParameterSpec } from "./parameters.js";

/** The configuration of any model that this compiler builds. */
export type ModelConfig = DecoderConfig | EncoderConfig;

/** Whether the model is an encoder, which only gives embeddings. */
export function isEncoder(config: ModelConfig): config is EncoderConfig {
  return "kind" in config;
}

/**
 * The parameters of a model in the order of its package and of the compiled functions' `params` array.
 * @param alternating as of `decoderParameters`.
 */
export function modelParameters(
  config: ModelConfig,
  alternating?: (layer: number) => boolean,
): ParameterSpec[] {
  return isEncoder(config) ? encoderParameters(config) : decoderParameters(config, alternating);
}
