// generation_config.json: special token ids, which override those of config.json as in transformers, and sampling defaults.
import { type HfConfig, parseHfConfig } from "./hf-config.js";
import type { GenerationDefaults } from "./imported-model.js";
import type { JsonObject } from "./json-file.js";

const TOKEN_KEYS = ["bos_token_id", "eos_token_id", "pad_token_id"] as const;

/** The configuration with the token ids of generation_config.json. Errors: ERR_INVALID_MODEL. */
export function withGenerationTokens(config: HfConfig, generationConfig: JsonObject | undefined): HfConfig {
  const tokens = Object.fromEntries(
    TOKEN_KEYS.filter((key) => generationConfig?.[key] != null).map((key) => [key, generationConfig?.[key]]),
  );
  return parseHfConfig({ ...config, ...tokens }, "generation_config.json");
}

/** Sampling defaults; a value out of its range is left out, for it is only advice. */
export function generationDefaults(generationConfig: JsonObject | undefined): GenerationDefaults {
  const read = (key: string, lowest: number, highest: number): number | undefined => {
    const value = generationConfig?.[key];
    return typeof value === "number" && value >= lowest && value <= highest ? value : undefined;
  };
  const temperature = generationConfig?.do_sample === false ? 0 : read("temperature", 0, 100);
  const topP = read("top_p", 0, 1);
  const topK = read("top_k", 0, 1e6);
  const repetitionPenalty = read("repetition_penalty", 0.01, 100);
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(topK === undefined ? {} : { topK: Math.round(topK) }),
    ...(repetitionPenalty === undefined ? {} : { repetitionPenalty }),
  };
}
