/** Which integer products a model has, found by building it: nothing else knows what its layers ask for. */
import type { LinearOptions } from "../kernels/index.js";
import { linearName } from "../kernels/index.js";
import type { ModelSpec } from "../nn/decoder-spec.js";
import { buildModule } from "../nn/encoder-module.js";
import { packedBytes } from "../quantization/format.js";

/** A kernel of a model. */
export interface CountedKernel {
  readonly name: string;
  readonly options: LinearOptions;
  /** Bytes of weights that all calls of one step read together. */
  readonly stepBytes: number;
}

/** The integer products of a model, those that read the most first. */
export function countKernels(spec: ModelSpec): CountedKernel[] {
  const kernels = new Map<string, CountedKernel>();
  buildModule({
    ...spec,
    tuner: (options) => {
      const name = linearName(options);
      const before = kernels.get(name)?.stepBytes ?? 0;
      kernels.set(name, { name, options, stepBytes: before + weightBytes(options) });
      return undefined;
    },
  }).dispose();
  return [...kernels.values()].sort((a, b) => b.stepBytes - a.stepBytes);
}

function weightBytes({ segments, columns }: LinearOptions): number {
  return segments.reduce((sum, { format, rows }) => sum + packedBytes(format, rows, columns), 0);
}
