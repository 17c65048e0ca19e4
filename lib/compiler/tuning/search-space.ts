/**
 * What is tried, as data: the values of each tuning number, and the calls that it changes. An axis holds numbers that are only good
 * together. They are listed by worth, as a budget may end before the last.
 */
import type { DotFormName, LinearTuning } from "../kernels/index.js";

/** Rows of a call: one stream's, a batch's, sizes between the two ways of an integer product, a prompt's. */
export type Workload = "one" | "batch" | "between" | "prompt";

export interface Axis {
  /** What its numbers decide. */
  readonly name: string;
  /** The calls whose time the numbers change: their relative times count alike. */
  readonly workloads: readonly Workload[];
  readonly choices: readonly Partial<LinearTuning>[];
}

const KIB = 1 << 10;

/** Two pages ahead is the furthest that still is the reader's own stream in narrow matrices. */
const PREFETCH = [0, 1 * KIB, 2 * KIB, 4 * KIB, 8 * KIB].map((prefetchBytes) => ({ prefetchBytes }));
/** From parts of a small second-level cache (256 KiB) to parts of a large one. */
const CACHE_SHARES = [64, 128, 256, 512, 1024].map((kibibytes) => kibibytes * KIB);

interface FormSpace {
  readonly tiles: readonly (readonly [tokens: number, rows: LinearTuning["tileRows"]])[];
  readonly batchTiles: readonly number[];
}

/** Tiles from a few sums to a few more than the registers hold: compilers can keep some operands in memory. */
const FORMS: Readonly<Record<DotFormName, FormSpace>> = {
  vnni512: {
    tiles: [
      [4, 32],
      [5, 32],
      [6, 32],
      [7, 32],
      [8, 16],
      [10, 16],
      [12, 16],
    ],
    batchTiles: [4, 6, 8, 12],
  },
  vnni256: {
    tiles: [
      [3, 8],
      [4, 8],
      [5, 8],
      [6, 8],
      [2, 16],
      [3, 16],
    ],
    batchTiles: [2, 3, 4, 5, 8],
  },
  avx2: {
    tiles: [
      [2, 8],
      [3, 8],
      [4, 8],
      [5, 8],
      [2, 16],
    ],
    batchTiles: [2, 3, 4, 6],
  },
  "neon-dotprod": {
    tiles: [
      [3, 8],
      [4, 8],
      [5, 8],
      [6, 8],
      [2, 16],
      [3, 16],
      [4, 16],
    ],
    batchTiles: [3, 4, 6, 8],
  },
};

/** The axes of an integer product in a form, by worth. */
export function searchSpace(tokens: 1 | "n", dot: DotFormName): readonly Axis[] {
  if (tokens === 1) return [{ name: "prefetch", workloads: ["one"], choices: PREFETCH }];
  const { tiles, batchTiles } = FORMS[dot];
  // A tile of less than a block of 16 rows is cut alike for few tokens, so both must like it.
  const shared = tiles.some(([, rows]) => rows < 16);
  return [
    {
      name: "tile",
      workloads: shared ? ["prompt", "batch"] : ["prompt"],
      choices: tiles.map(([tileTokens, tileRows]) => ({ tileTokens, tileRows })),
    },
    {
      name: "batch tile",
      workloads: ["batch"],
      choices: batchTiles.map((fewTileTokens) => ({ fewTileTokens })),
    },
    { name: "prefetch", workloads: ["batch"], choices: PREFETCH },
    {
      name: "activation share",
      workloads: ["prompt"],
      choices: CACHE_SHARES.map((activationBytes) => ({ activationBytes })),
    },
    {
      name: "panel share",
      workloads: ["prompt"],
      choices: CACHE_SHARES.map((panelBytes) => ({ panelBytes })),
    },
    {
      name: "few tokens",
      workloads: ["between"],
      choices: [4, 8, 12, 16].map((fewTokens) => ({ fewTokens })),
    },
  ];
}
