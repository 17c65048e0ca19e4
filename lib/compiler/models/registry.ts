import { MlcError } from "../../errors.js";
import type { Architecture, HuggingFaceConfig } from "./architecture.js";
import { llama } from "./llama.js";
import { mistral } from "./mistral.js";
import { qwen2 } from "./qwen2.js";
import { qwen3 } from "./qwen3.js";

/** Every architecture the compiler knows; a new one is a file beside llama.ts and a line here. */
export const architectures: readonly Architecture[] = [llama, mistral, qwen2, qwen3];

/**
 * The architecture of a Hugging Face config.json, by `architectures` and, where that is absent, by `model_type`.
 * @throws MlcError ERR_UNSUPPORTED_ARCHITECTURE naming what was found and what is supported.
 */
export function architectureOfHuggingFace(config: HuggingFaceConfig): Architecture {
  const classNames = Array.isArray(config.architectures) ? config.architectures : [];
  const modelType = config.model_type;
  // The class decides: a classifier or an encoder shares its model_type with the causal model.
  const found =
    classNames.length > 0
      ? architectures.find((entry) => classNames.some((name) => entry.classNames.includes(name)))
      : architectures.find((entry) => entry.modelTypes.some((name) => name === modelType));
  return found ?? unsupported([...classNames, modelType].filter((name) => name !== undefined).join(", "));
}

function unsupported(received: string): never {
  const supported = architectures.map((entry) => entry.name);
  throw new MlcError(
    "ERR_UNSUPPORTED_ARCHITECTURE",
    `Expected one of the architectures ${supported.join(", ")} but received "${received}".`,
    { details: { received, supported } },
  );
}
