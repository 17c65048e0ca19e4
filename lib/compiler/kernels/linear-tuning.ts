/** How a matrix product of integers is blocked: numbers that change its speed, never its result. */
import { type DotFormName, dotForm } from "./dot-product.js";

export interface LinearTuning {
  /** Rows of activations and row blocks of a weight (1 or 2) whose sums are in registers at a time, for many tokens. */
  readonly tileTokens: number;
  readonly tileBlocks: 1 | 2;
  /** Up to this many tokens weights come from memory: a thread then walks one row block at a time, as for one token. */
  readonly fewTokens: number;
  /** Bytes ahead of the reader at which weights from memory are asked for; 0 for none. */
  readonly prefetchBytes: number;
  /** Activation bytes that a thread multiplies with several panels in turn: a part of the second-level cache. */
  readonly activationBytes: number;
  /** Weight bytes of the panels that share those activations. */
  readonly panelBytes: number;
}

/** Defaults by form, measured with bench/kernels.ts. */
export function defaultTuning(dot: DotFormName): LinearTuning {
  const wide = dotForm(dot).lanes === 16;
  return {
    tileTokens: wide ? 6 : 3,
    tileBlocks: wide ? 2 : 1,
    fewTokens: 8,
    prefetchBytes: 2048,
    activationBytes: 256 << 10,
    panelBytes: 256 << 10,
  };
}
