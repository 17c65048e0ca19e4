import type { FfiObject } from "../../../ffi/index.js";
import type { GpuTraits } from "../kernel-target.js";
import { launch, strided, threadsFor } from "./launch.js";
import { gpuProgram, parameter, size } from "./program.js";
import { cosine, sine } from "./scalar-math.js";

/**
 * Rotary factors of a step on a GPU, shared by all layers: row i holds the cosines of `positions[i] * inv_freq` in its first half and the
 * sines in its second. The angle is a float32 product, as in the reference implementations.
 *
 * Parameters: positions int32[n], inv_freq float32[headDim / 2], output float32[n, headDim].
 */
export function ropeTable({ headDim }: { readonly headDim: number }, { maxThreads }: GpuTraits): FfiObject {
  const n = size("n");
  const half = headDim / 2;
  const positions = parameter("positions", [n], "int32");
  const frequencies = parameter("inv_freq", [half], "float32");
  const output = parameter("output", [n, headDim], "float32");
  const threads = threadsFor(half, maxThreads);
  return gpuProgram([positions, frequencies, output], (body) =>
    launch(body, [n], threads, (block, { block: [row], thread }) => {
      if (row === undefined) return;
      const position = block.bind("position", positions.load(row).cast("float32"));
      strided(block, half, threads, thread, (inner, at) => {
        const angle = inner.bind("angle", frequencies.load(at).mul(position));
        inner.store(output, cosine(angle), row, at);
        inner.store(output, sine(angle), row, at.add(half));
      });
    }),
  );
}
