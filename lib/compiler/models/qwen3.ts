// Qwen 3 (dense): queries and keys are RMS-normalised per head before rotation.
import type { Architecture } from "./architecture.js";
import { expectValue, readSharedConfig } from "./hugging-face-config.js";
import { readQwenWindows } from "./sliding-windows.js";

const traits = { qkvBias: false, qkNorm: true } as const;

export const qwen3: Architecture = {
  name: "qwen3",
  modelTypes: ["qwen3"],
  classNames: ["Qwen3ForCausalLM"],
  fromHuggingFace(config) {
    expectValue(config, "attention_bias", false);
    return {
      architecture: "qwen3",
      ...traits,
      ...readQwenWindows(config),
      ...readSharedConfig({ head_dim: 128, ...config }),
    };
  },
};
