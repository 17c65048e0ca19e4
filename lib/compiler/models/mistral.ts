// Mistral: Llama with an optional sliding window. Within the window attention is full, so the window caps the context.
import type { Architecture } from "./architecture.js";
import { readCount, readSharedConfig } from "./hugging-face-config.js";

const traits = { qkvBias: false, qkNorm: false } as const;

export const mistral: Architecture = {
  name: "mistral",
  modelTypes: ["mistral"],
  classNames: ["MistralForCausalLM"],
  fromHuggingFace(config) {
    const window = config.sliding_window == null ? undefined : readCount(config, "sliding_window");
    return { architecture: "mistral", ...traits, ...readSharedConfig(config, window) };
  },
};
