// Mistral: Llama with an optional sliding window in every layer.
import type { Architecture } from "./architecture.js";
import { readSharedConfig } from "./hugging-face-config.js";
import { readWindows } from "./sliding-windows.js";

const traits = { qkvBias: false, qkNorm: false } as const;

export const mistral: Architecture = {
  name: "mistral",
  modelTypes: ["mistral"],
  classNames: ["MistralForCausalLM"],
  fromHuggingFace(config) {
    const windows = readWindows(config, () => true);
    return { architecture: "mistral", ...traits, ...windows, ...readSharedConfig(config) };
  },
};
