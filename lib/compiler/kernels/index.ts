/**
 * The kernels of a decoder on CPU: functions from sizes and formats to TIR functions. Each constructor's docstring is its
 * contract: parameters in call order, with shapes and types. All sizes of rows are symbolic unless `tokens: 1` is asked for.
 */

export { activationShape } from "./activation-blocks.js";
export type { AttentionOptions } from "./attention-options.js";
export { type BfloatDotName, bestBfloatDot } from "./dot/bfloat-dot.js";
export { bestDotForm, canRun, DOT_FORMS, type DotFormName } from "./dot/dot-forms.js";
export type { EmbeddingOptions } from "./embedding.js";
export { embedding } from "./embedding.js";
export { gatherRows } from "./gather-rows.js";
export { kvPageDtype, wordShape } from "./gpu/index.js";
export { type KernelSet, kernelSet } from "./kernel-set.js";
export type { LayerNormOptions } from "./layer-norm.js";
export { layerNorm } from "./layer-norm.js";
export { linear } from "./linear.js";
export { linearName } from "./linear-name.js";
export type { LinearOptions, LinearSegment, LinearTuner } from "./linear-options.js";
export { type LinearBuffers, linearBuffers, linearParameters } from "./linear-options.js";
export type { LinearTuning } from "./linear-tuning.js";
export { defaultTuning } from "./linear-tuning.js";
export { pagedAttention } from "./paged-attention.js";
export { quantizeRows } from "./quantize-rows.js";
export type { RmsNormOptions } from "./rms-norm.js";
export { rmsNorm } from "./rms-norm.js";
export { ropeTable } from "./rope-table.js";
