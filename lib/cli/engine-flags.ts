/** Flags of every command that loads a model, and the loading with its progress bar. */
import { Engine } from "../engine/engine.js";
import type { EngineOptions } from "../engine/engine-config.js";
import { integerFlag } from "./command.js";
import { Progress } from "./progress.js";

/** Package and how to load it. */
export const ENGINE_ARGS = {
  package: { type: "positional", description: "Folder of a compiled package" },
  threads: {
    type: "string",
    valueHint: "N",
    description: "Threads that compute (default: one for each physical core)",
  },
  context: {
    type: "string",
    valueHint: "N",
    description: "Most tokens of prompt and answer (default: the package's limit)",
  },
  device: {
    type: "string",
    valueHint: "DEVICE",
    description:
      'Where it runs: "cpu", "vulkan", "opencl:1" (default: a GPU that the package has code for, else the CPU)',
  },
  library: {
    type: "string",
    valueHint: "NAME",
    description: "Library of the package to run (default: the best for this CPU; inspect lists them)",
  },
} as const;

interface EngineFlags {
  readonly package: string;
  readonly threads: string | undefined;
  readonly context: string | undefined;
  readonly device: string | undefined;
  readonly library: string | undefined;
}

/** Loads the package that the flags name; `options` are the command's own. */
export async function loadEngine(flags: EngineFlags, options: EngineOptions): Promise<Engine> {
  const progress = new Progress();
  try {
    return await Engine.load(flags.package, {
      threads: integerFlag("threads", flags.threads),
      contextLength: integerFlag("context", flags.context, 2),
      device: flags.device as EngineOptions["device"],
      library: flags.library,
      onProgress: ({ phase, done, total }) => progress.update(phase, done, total),
      ...options,
    });
  } finally {
    progress.stop();
  }
}
