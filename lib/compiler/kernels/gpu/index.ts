/**
 * The kernels of a decoder for GPUs: thread-bound programs that one set of sources gives to every code generator, with what differs
 * between devices in GpuTraits. Weights are the package's own bytes, as int32 words.
 */
export { embedding } from "./embedding.js";
export { gatherRows } from "./gather-rows.js";
export { linear } from "./linear.js";
export { kvPageDtype } from "./page-dtype.js";
export { pagedAttention } from "./paged-attention.js";
export { rmsNorm } from "./rms-norm.js";
export { ropeTable } from "./rope-table.js";
export { wordShape } from "./weight-words.js";
