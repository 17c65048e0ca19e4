import { MlcError } from "../../../errors.js";
import type { KvDtype } from "../../../package/kv-format.js";
import type { GpuTraits } from "../kernel-target.js";

/** What kernels for GPUs take the elements of the KV pages for. Errors: ERR_INVALID_ARGUMENT for an int8 cache. */
export function kvPageDtype(
  dtype: KvDtype,
  { pageHalf }: Pick<GpuTraits, "pageHalf">,
): "float32" | GpuTraits["pageHalf"] {
  if (dtype === "int8")
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      'Expected a KV cache in "float16" or "float32" on a GPU but received "int8": compile with another kvCache, or for the CPU only.',
    );
  return dtype === "float16" ? pageHalf : "float32";
}
