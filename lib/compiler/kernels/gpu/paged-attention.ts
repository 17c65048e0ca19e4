import type { FfiObject } from "../../../ffi/index.js";
import { type AttentionOptions, attentionBuffers } from "../attention-options.js";
import type { GpuTraits } from "../kernel-target.js";
import { appendRows } from "./attention-append.js";
import { attendDecode } from "./attention-decode.js";
import { attendPrefill } from "./attention-prefill.js";
import { kvPageDtype } from "./page-dtype.js";
import { gpuProgram, INDEX } from "./program.js";

/**
 * Attention over the paged KV cache on a GPU, with rotation and append in front. Parameters, layouts and what a row sees are those of the
 * CPU's `pagedAttention`, but elements of a float16 cache are passed as `pageHalf` of the traits and the output is float32.
 *
 * Launches: append, then one block for each tile of rows and KV head (prefill), or one for each chunk of 128 keys of a row and KV head
 * and a merge (decode). The two forms add in different orders, so that a row's bits differ between them. Errors: ERR_INVALID_ARGUMENT for
 * an int8 cache, and those of the CPU's.
 */
export function pagedAttention(options: AttentionOptions, gpu: GpuTraits): FfiObject {
  const buffers = attentionBuffers(options, {
    pageDtype: kvPageDtype(options.kvDtype, gpu),
    index: INDEX,
    pageIndex: gpu.pageIndex,
  });
  return gpuProgram(buffers.parameters, (body) => {
    appendRows(body, options, buffers, gpu);
    (options.form === "decode" ? attendDecode : attendPrefill)(body, options, buffers, gpu);
  });
}
