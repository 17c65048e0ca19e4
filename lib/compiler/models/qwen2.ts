// Qwen 2 and 2.5: biases on the query, key and value projections.
import type { Architecture } from "./architecture.js";
import { readSharedConfig } from "./hugging-face-config.js";
import { readQwenWindows } from "./sliding-windows.js";

const traits = { qkvBias: true, qkNorm: false } as const;

export const qwen2: Architecture = {
  name: "qwen2",
  modelTypes: ["qwen2"],
  classNames: ["Qwen2ForCausalLM"],
  fromHuggingFace(config) {
    return { architecture: "qwen2", ...traits, ...readQwenWindows(config), ...readSharedConfig(config) };
  },
};
