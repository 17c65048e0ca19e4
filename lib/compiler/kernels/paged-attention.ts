import type { FfiObject } from "../../ffi/index.js";
import { primFunc } from "../ir/prim-func.js";
import { appendRow } from "./attention-append.js";
import { attendDecode } from "./attention-decode.js";
import { type AttentionOptions, attentionBuffers } from "./attention-options.js";
import { attendPrefill } from "./attention-prefill.js";

/**
 * Causal or bidirectional attention over the paged KV cache, with rotation and append in front. One PrimFunc serves all layers.
 *
 * Parameters: qkv float32[n, (heads + 2 kvHeads) * headDim]; unless not rotary rope float32[n, headDim] (see ropeTable); with qkNorm q_norm and
 * k_norm float32[headDim]; with sinkLogits sinks float32[heads]; q_indptr int32[b+1]; positions int32[n]; page_indptr int32[b+1];
 * page_indices int32[p]; kv_pages kvDtype[num_pages, layers, 2, kvHeads, 16 * headDim], changed in place (int8: 16 * headDim + 64,
 * see attention-codes.ts); layer int64; output float32[n, heads * headDim] or activation blocks int32[n, heads * headDim / 32, 12].
 *
 * Rows of sequence s are q_indptr[s] to q_indptr[s+1]-1, in ascending positions; row r sees keys 0 to positions[r] of its
 * sequence, those of a window or of the whole sequence (attention-visibility.ts). The sequence's page list is
 * page_indices[page_indptr[s] ... page_indptr[s+1]]; pages of chunks that no row sees are not read and may hold anything. Keys of
 * the step are in the pages before any row that sees them attends. Keys lie transposed in a page, [headDim][16], values as [16][headDim]. Scores are scaled by
 * headDim^-0.5. A row's result has the same bits in both forms, beside any other rows and with any number of threads. The decode
 * form is one parallel region, the prefill form two.
 */
export function pagedAttention(options: AttentionOptions): FfiObject {
  const buffers = attentionBuffers(options);
  return primFunc(buffers.parameters, (body) => {
    if (options.form === "decode") {
      attendDecode(body, options, buffers);
    } else {
      body.parallel("i", buffers.n, (row, i) => appendRow(row, options, buffers, i));
      attendPrefill(body, options, buffers);
    }
  });
}
