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

const KIB = 1 << 10;

/**
 * What is known of a processor, by LLVM name. Sizes are published ones (Intel's and Arm's pages, WikiChip, Chips and Cheese), of a
 * performance core where there are two kinds. Arm's cores are sold with several: those of Graviton 2 to 4 and the Raspberry Pi 5 here. A
 * blocking was measured on znver4 only, so the others depart from the form's defaults only where their caches do. `compile --tune`
 * measures the rest.
 */
interface CpuFacts {
  /** Second-level cache of a core. */
  readonly level2Bytes: number;
  readonly tile?: Partial<Tile>;
}

const CPUS: Readonly<Record<string, CpuFacts>> = {
  // One 512-bit product a cycle (two halves), about 4 cycles long: 12 sums are more than enough; few reads a product count.
  znver4: { level2Bytes: 1024 * KIB },
  // Two 512-bit products a cycle, each about 5 cycles long: 8 to 12 sums at a time. Tiles of 4 to 6 tokens x 32 rows were the best of
  // a C++ program with the same layout.
  znver5: { level2Bytes: 1024 * KIB, tile: { tileTokens: 6, tileRows: 32 } },
  // Two 512-bit products a cycle here too; reads from the larger second level are slower.
  sapphirerapids: { level2Bytes: 2048 * KIB },
  emeraldrapids: { level2Bytes: 2048 * KIB },
  graniterapids: { level2Bytes: 2048 * KIB },
  "icelake-server": { level2Bytes: 1280 * KIB },
  cascadelake: { level2Bytes: 1024 * KIB },
  cooperlake: { level2Bytes: 1024 * KIB },
  "icelake-client": { level2Bytes: 512 * KIB },
  tigerlake: { level2Bytes: 1280 * KIB },
  alderlake: { level2Bytes: 1280 * KIB },
  raptorlake: { level2Bytes: 2048 * KIB },
  // AVX2 only.
  haswell: { level2Bytes: 256 * KIB },
  broadwell: { level2Bytes: 256 * KIB },
  skylake: { level2Bytes: 256 * KIB },
  znver1: { level2Bytes: 512 * KIB },
  znver2: { level2Bytes: 512 * KIB },
  znver3: { level2Bytes: 512 * KIB },
  // AArch64. Apple's cores share theirs: a quarter of it.
  "apple-m1": { level2Bytes: 3072 * KIB },
  "apple-m2": { level2Bytes: 4096 * KIB },
  "neoverse-n1": { level2Bytes: 1024 * KIB },
  "neoverse-v1": { level2Bytes: 1024 * KIB },
  "neoverse-v2": { level2Bytes: 2048 * KIB },
  "cortex-a76": { level2Bytes: 512 * KIB },
};

/** What most server processors have. */
const UNKNOWN: CpuFacts = { level2Bytes: 1024 * KIB };

/**
 * The blocking to begin with, measured with bench/kernels.ts.
 * @param cpu LLVM processor name, if one is meant.
 */
export function defaultTuning(dot: DotFormName, cpu?: string): LinearTuning {
  const { level2Bytes, tile } = (cpu === undefined ? undefined : CPUS[cpu]) ?? UNKNOWN;
  return {
    ...TILES[dot],
    // A tile of 512-bit registers means nothing to another form.
    ...(dot === "vnni512" ? tile : {}),
    fewTokens: 8,
    prefetchBytes: 2048,
    // Half of the second level in all; the other half is for what streams through it.
    activationBytes: level2Bytes / 4,
    panelBytes: level2Bytes / 4,
  };
}
