// Qwen 2 and 2.5: biases on the query, key and value projections.
import type { Architecture } from "./architecture.js";
import { expectValue, readSharedConfig } from "./hugging-face-config.js";

const traits = { qkvBias: true, qkNorm: false } as const;

export const qwen2: Architecture = {
  name: "qwen2",
  modelTypes: ["qwen2"],
  classNames: ["Qwen2ForCausalLM"],
  fromHuggingFace(config) {
    expectValue(config, "use_sliding_window", false);
    return { architecture: "qwen2", ...traits, ...readSharedConfig(config) };
  },
};
