import { MlcError } from "../../errors.js";
import type { Architecture, HuggingFaceConfig } from "./architecture.js";
import { bert, roberta } from "./bert.js";
import type { EncoderConfig } from "./encoder-config.js";
import { llama } from "./llama.js";
import { mistral } from "./mistral.js";
import type { ModelConfig } from "./model-config.js";
import { qwen2 } from "./qwen2.js";
import { qwen3 } from "./qwen3.js";

/** Every architecture of decoders the compiler knows; a new one is a file beside llama.ts and a line here. */
export const architectures: readonly Architecture[] = [llama, mistral, qwen2, qwen3];

/** Every architecture of encoders, whose packages give embeddings, or rank with a classifier's head, and generate nothing. */
export const encoders: readonly Architecture<EncoderConfig>[] = [bert, roberta];

/**
 * The configuration of a Hugging Face config.json, of a decoder or an encoder.
 * @throws MlcError as `architectureOfHuggingFace`, and what the architecture's reader throws.
 */
export function readModelConfig(config: HuggingFaceConfig): ModelConfig {
  return (find(encoders, config) ?? architectureOfHuggingFace(config)).fromHuggingFace(config);
}

/**
 * The decoder architecture of a Hugging Face config.json, by `architectures` and, where that is absent, by `model_type`.
 * @throws MlcError ERR_UNSUPPORTED_ARCHITECTURE naming what was found and what is supported.
 */
export function architectureOfHuggingFace(config: HuggingFaceConfig): Architecture {
  return find(architectures, config) ?? unsupported(config);
}

function find<Known extends Architecture<ModelConfig>>(
  known: readonly Known[],
  { model_type: modelType, ...config }: HuggingFaceConfig,
): Known | undefined {
  const names = classNames(config);
  // The class decides: a classifier or an encoder shares its model_type with the causal model.
  return names.length > 0
    ? known.find((entry) => names.some((name) => entry.classNames.some((other) => other === name)))
    : known.find((entry) => entry.modelTypes.some((name) => name === modelType));
}

function classNames({ architectures: names }: HuggingFaceConfig): readonly unknown[] {
  return Array.isArray(names) ? names : [];
}

function unsupported(config: HuggingFaceConfig): never {
  const received = [...classNames(config), config.model_type].filter((name) => name !== undefined).join(", ");
  const supported = [...architectures, ...encoders].map((entry) => entry.name);
  throw new MlcError(
    "ERR_UNSUPPORTED_ARCHITECTURE",
    `Expected one of the architectures ${supported.join(", ")} but received "${received}".`,
    { details: { received, supported } },
  );
}
