/** How a matrix product of integers is blocked: numbers that change its speed, never its result. */
import type { DotFormName } from "./dot/dot-forms.js";

export interface LinearTuning {
  /** Rows of activations and rows of a weight whose sums are in registers at a time, for many tokens. */
  readonly tileTokens: number;
  readonly tileRows: 8 | 16 | 32;
  /** Up to this many tokens weights come from memory: a thread then walks one row block at a time, as for one token. */
  readonly fewTokens: number;
  /** The tile's rows of activations there; its rows of a weight are those of `tileRows` that one row block has. */
  readonly fewTileTokens: number;
  /** Bytes ahead of the reader at which weights from memory are asked for; 0 for none. */
  readonly prefetchBytes: number;
  /** Activation bytes that a thread multiplies with several panels in turn: a part of the second-level cache. */
  readonly activationBytes: number;
  /** Weight bytes of the panels that share those activations. */
  readonly panelBytes: number;
}

type Tile = Pick<LinearTuning, "tileTokens" | "tileRows" | "fewTileTokens">;

/** Tiles that the processor's registers hold: an integer and a float sum of every output, and the operands. */
const TILES: Readonly<Record<DotFormName, Tile>> = {
  // 32 registers of 16 lanes.
  vnni512: { tileTokens: 6, tileRows: 32, fewTileTokens: 8 },
  // 16 registers of 8 lanes.
  vnni256: { tileTokens: 5, tileRows: 8, fewTileTokens: 5 },
  // The same; half of them hold a group's codes, as LLVM finishes one output before it begins the next.
  avx2: { tileTokens: 3, tileRows: 8, fewTileTokens: 3 },
  // 32 registers of 4 lanes.
  "neon-dotprod": { tileTokens: 4, tileRows: 8, fewTileTokens: 4 },
};

/** Defaults by form, measured with bench/kernels.ts. */
export function defaultTuning(dot: DotFormName): LinearTuning {
  return {
    ...TILES[dot],
    fewTokens: 8,
    prefetchBytes: 2048,
    activationBytes: 256 << 10,
    panelBytes: 256 << 10,
  };
}
