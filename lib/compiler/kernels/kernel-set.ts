/** The kernels of a decoder for a kind of processor: the same contracts, different programs. */
import type { FfiObject } from "../../ffi/index.js";
import type { AttentionOptions } from "./attention-options.js";
import { type EmbeddingOptions, embedding } from "./embedding.js";
import { gatherRows } from "./gather-rows.js";
import * as gpu from "./gpu/index.js";
import type { GpuTraits } from "./kernel-target.js";
import { linear } from "./linear.js";
import type { LinearOptions } from "./linear-options.js";
import { pagedAttention } from "./paged-attention.js";
import { type RmsNormOptions, rmsNorm } from "./rms-norm.js";
import { ropeTable } from "./rope-table.js";

/** Constructors of TIR functions. */
export interface KernelSet {
  embedding(options: EmbeddingOptions): FfiObject;
  gatherRows(options: { readonly columns: number }): FfiObject;
  linear(options: LinearOptions): FfiObject;
  pagedAttention(options: AttentionOptions): FfiObject;
  rmsNorm(options: RmsNormOptions): FfiObject;
  ropeTable(options: { readonly headDim: number }): FfiObject;
}

const CPU_KERNELS: KernelSet = { embedding, gatherRows, linear, pagedAttention, rmsNorm, ropeTable };

/** The kernels for the CPU, or for a GPU. */
export function kernelSet(traits: GpuTraits | undefined): KernelSet {
  if (traits === undefined) return CPU_KERNELS;
  return {
    embedding: (options) => gpu.embedding(options, traits),
    gatherRows: (options) => gpu.gatherRows(options, traits),
    linear: (options) => gpu.linear(options, traits),
    pagedAttention: (options) => gpu.pagedAttention(options, traits),
    rmsNorm: (options) => gpu.rmsNorm(options, traits),
    ropeTable: (options) => gpu.ropeTable(options, traits),
  };
}
