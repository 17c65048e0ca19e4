import type { LinearOptions } from "./linear-options.js";

/**
 * The name of a linear kernel in a module and in tuning records: says everything its code depends on but the processor and the tuning.
 * Kernels of one model share their epsilon.
 */
export function linearName(options: LinearOptions): string {
  const { columns, segments, bias = false, epilogue = "none", tokens, input, output = "float32" } = options;
  const shapes = segments.map(({ format, rows }) => `${rows}_${format}`).join("_");
  const suffix = [
    bias ? "bias" : "",
    epilogue === "none" ? "" : epilogue.replace("-", "_"),
    input === undefined || input === "int8" ? "" : `from_${input}`,
    output === "float32" ? "" : `to_${output}`,
  ].filter(Boolean);
  return ["linear", tokens, columns, shapes, ...suffix].join("_");
}
