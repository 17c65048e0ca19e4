// Llama 2, 3, 3.1, 3.2, SmolLM, TinyLlama and their fine-tunes.
import type { Architecture } from "./architecture.js";
import { expectValue, readSharedConfig } from "./hugging-face-config.js";

const traits = { qkvBias: false, qkNorm: false } as const;

export const llama: Architecture = {
  name: "llama",
  modelTypes: ["llama"],
  classNames: ["LlamaForCausalLM"],
  fromHuggingFace(config) {
    expectValue(config, "attention_bias", false);
    expectValue(config, "mlp_bias", false);
    return { architecture: "llama", ...traits, ...readSharedConfig(config) };
  },
};
