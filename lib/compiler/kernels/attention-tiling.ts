/** How attention cuts its work into register tiles: compile-time sizes from the shape and the width of the registers. */
import { type AttentionOptions, PAGE_SIZE } from "./attention-options.js";
import { lanesFor } from "./lanes.js";

/** What decides a tile's cut. */
export interface TileSizes {
  readonly headDim: number;
  /** Query vectors of a full tile. */
  readonly queries: number;
  /** Vector registers. */
  readonly registers: number;
  /** Registers that hold 16 float32. */
  readonly registersPerVector: number;
  /** Cost of reading a vector of keys or values, in loads; with a conversion more than one. */
  readonly loadCost: number;
}

/** Loads that reading and converting a vector of half-precision numbers or of codes costs. */
const CONVERSION_COST = 3;

/**
 * @param converted whether keys and values are read as float32 already.
 */
export function tileSizes(
  { headDim, kvDtype, vectorBits = 512 }: AttentionOptions,
  converted: boolean,
): TileSizes {
  const loadCost = converted || kvDtype === "float32" ? 1 : CONVERSION_COST;
  return {
    headDim,
    queries: vectorBits >= 512 ? 8 : 6,
    // AVX-512 and NEON have 32, AVX2 has 16.
    registers: vectorBits === 256 ? 16 : 32,
    registersPerVector: Math.max(1, (PAGE_SIZE * 32) / vectorBits),
    loadCost,
  };
}

/** Sums that keep the multiply units busy: their number times the latency of a multiply-add. */
const BUSY_SUMS = 7;

/**
 * Vectors of 16 keys that `queries` queries are multiplied with at a time: a power of two, at most 4. One, where that keeps the
 * units busy: the multiply-add then copies the query's element to all lanes by itself.
 */
export function keyVectors(queries: number, sizes: TileSizes): number {
  if (queries >= BUSY_SUMS) return 1;
  return [4, 2].find((width) => queries <= tileHeight(width, sizes)) ?? 1;
}

/** Most queries of a register tile: its sums, a vector of keys or values for each column and one copied element are in registers. */
function tileHeight(width: number, { registers, registersPerVector }: TileSizes): number {
  return Math.floor((registers - 1) / registersPerVector / width - 1);
}

/** A register tile of values: `count` queries by `width` vectors of their values. */
export interface ValueTile {
  readonly firstQuery: number;
  readonly count: number;
  readonly firstVector: number;
  readonly width: number;
}

/** Cuts queries x value vectors into tiles that fit the registers and read as little as possible. */
export function valueTiles(queries: number, sizes: TileSizes): ValueTile[] {
  const { headDim, registersPerVector, loadCost } = sizes;
  const vectors = headDim / lanesFor(headDim);
  const shapes = [1, 2, 3, 4, 5, 6]
    .filter((width) => vectors % width === 0 && tileHeight(width, sizes) >= 1)
    .map((width) => {
      const passes = Math.ceil(queries / tileHeight(width, sizes));
      const height = Math.ceil(queries / passes);
      const valueLoads = passes * vectors * loadCost * registersPerVector;
      return { width, height, cost: valueLoads + (vectors / width) * queries };
    });
  const { width, height } = shapes.reduce((best, shape) => (shape.cost <= best.cost ? shape : best));
  const tiles = [];
  for (let firstQuery = 0; firstQuery < queries; firstQuery += height)
    for (let firstVector = 0; firstVector < vectors; firstVector += width)
      tiles.push({ firstQuery, count: Math.min(height, queries - firstQuery), firstVector, width });
  return tiles;
}

/** Cuts the query heads that share a KV head into tiles as equal as possible. */
export function headTiles(group: number, { queries }: TileSizes): { first: number; count: number }[] {
  const count = Math.ceil(group / queries);
  return Array.from({ length: count }, (_, i) => {
    const first = Math.floor((group * i) / count);
    return { first, count: Math.floor((group * (i + 1)) / count) - first };
  });
}

/** Query vectors that share the conversion of a chunk in the prefill form, at least. */
const BLOCK_QUERIES = 64;

/** Rows of a block of the prefill form: the fewest that fill whole tiles with at least `BLOCK_QUERIES` queries. */
export function blockRows(options: AttentionOptions): number {
  const group = options.heads / options.kvHeads;
  const { queries } = tileSizes(options, true);
  let rows = Math.ceil(BLOCK_QUERIES / group);
  while ((rows * group) % queries !== 0) rows++;
  return rows;
}
