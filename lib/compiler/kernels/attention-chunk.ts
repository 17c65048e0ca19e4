/**
 * The inner work of attention: a tile of query vectors that share one KV head against one chunk of 128 positions. A chunk has its
 * own largest score, sum and weighted values, which are then merged into those of the chunks before it. Chunks start at
 * multiples of 128, and the steps of one query do not depend on the others of its tile: a query's result has the same bits in
 * every tile, and whichever thread attends to a chunk.
 */
import type { Buffer } from "../ir/buffer.js";
import { float, type PrimExpr, select } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { multiplyAdd } from "../ir/vector.js";
import { PAGE_SIZE } from "./attention-options.js";
import type { Strip } from "./attention-strip.js";
import { keyVectors, type TileSizes, valueTiles } from "./attention-tiling.js";
import { MASKED, maskScores, type Visibility } from "./attention-visibility.js";
import { lanesFor, maxLanes } from "./lanes.js";
import { exp2 } from "./vector-math.js";

/** What is known of a query after some chunks. */
export interface Sums {
  /** [1]: largest score, in units of log2. */
  readonly largest: Strip;
  /** [16]: sums of probabilities by lane, relative to the largest score. */
  readonly sums: Strip;
  /** [headDim]: values weighted by these probabilities. */
  readonly values: Strip;
}

/** One query vector of a tile with its memory. */
export interface Query extends Sums {
  /** [headDim]: rotated, times headDim^-0.5 * log2(e). */
  readonly vector: Strip;
  /** [128]: scores, then probabilities, of the chunk. */
  readonly scores: Strip;
  /** The last position it may see. */
  readonly position: PrimExpr;
}

/** A chunk of keys as a tile sees it. */
export interface Chunk {
  /** Position of the chunk's first key. */
  readonly start: PrimExpr;
  /** Keys up to the last position that any query of the tile may see, at most 128; none at or below 0. */
  readonly keys: PrimExpr;
  readonly visibility: Visibility;
}

/** The load of element `2 * pair + odd` of a page's 16 keys: half-precision elements come in pairs of one cache line. */
export type KeyLoad = (block: Block, pair: PrimExpr, odd: number) => PrimExpr;

/** The load of `lanes` elements, from `at` on, of the value in `slot` of a page. */
export type ValueLoad = (block: Block, lanes: number, slot: PrimExpr, at: number) => PrimExpr;

/** Where keys and values are read, as float32 vectors. Loads may add statements of their own, such as a prefetch. */
export interface ChunkSource {
  /** Keys of page `page` of the chunk; those of a page beyond the last may be anything. */
  keyPage(block: Block, page: PrimExpr): KeyLoad;
  valuePage(block: Block, page: PrimExpr): ValueLoad;
  /** Factors, float32x16, of the 16 positions of a page's keys and values; absent where these are as they were. */
  readonly scales?: {
    keys(block: Block, page: PrimExpr): PrimExpr;
    values(block: Block, page: PrimExpr): PrimExpr;
  };
}

/** Factors that bring sums so far and sums of a chunk to a common largest score. */
interface MergeFactors {
  readonly before: PrimExpr;
  readonly chunk: PrimExpr;
}

/** Statements that set the sums to those of no keys. */
export function clearSums(block: Block, { largest, sums, values }: Sums, headDim: number): void {
  const lanes = lanesFor(headDim);
  largest.store(block, MASKED);
  sums.store(block, float(0).broadcast(PAGE_SIZE));
  block.serial("d", headDim / lanes, (inner, d) =>
    values.store(inner, float(0).broadcast(lanes), d.mul(lanes)),
  );
}

/** Statements that add one chunk of keys to the sums of the tile's queries. */
export function attendChunk(
  block: Block,
  queries: readonly Query[],
  source: ChunkSource,
  chunk: Chunk,
  sizes: TileSizes,
): void {
  const pages = block.bind("pages", chunk.keys.add(PAGE_SIZE - 1).floorDiv(PAGE_SIZE));
  scoreChunk(block, queries, source, pages, sizes);
  const factors = queries.map((query) => {
    maskScores(block, chunk.visibility, { ...query, start: chunk.start, pages });
    return normalizeScores(block, query, source, pages);
  });
  addValues(block, queries, factors, source, chunk.keys, sizes);
}

/** scores = q · k. */
function scoreChunk(
  block: Block,
  queries: readonly Query[],
  source: ChunkSource,
  pages: PrimExpr,
  sizes: TileSizes,
): void {
  const width = keyVectors(queries.length, sizes);
  block.serial("pages", pages.add(width - 1).floorDiv(width), (inner, group) => {
    const first = inner.bind("first", group.mul(width));
    const places = Array.from({ length: width }, (_, v) => inner.bind("page", first.add(v)));
    const loads = places.map((page) => source.keyPage(inner, page));
    const scales = places.map((page) => source.scales?.keys(inner, page));
    // A buffer for each vector of keys: small enough for registers.
    const dots = places.map(() => inner.local("dots", queries.length * PAGE_SIZE));
    const visit = (use: (dot: Buffer, query: Query, v: number, q: number) => void) => {
      queries.forEach((query, q) => {
        dots.forEach((dot, v) => {
          use(dot, query, v, q * PAGE_SIZE);
        });
      });
    };
    visit((dot, _, __, at) => inner.store(dot, float(0).broadcast(PAGE_SIZE), at));
    inner.serial("pair", sizes.headDim / 2, (column, pair) => {
      for (const odd of [0, 1]) {
        const keys = loads.map((load) => column.bind("keys", load(column, pair, odd)));
        queries.forEach((query, q) => {
          const element = column.bind("q", query.vector.load(1, pair.mul(2).add(odd)));
          keys.forEach((key, v) => {
            const dot = dots[v] as Buffer;
            const sum = multiplyAdd(key, element, dot.loadVector(PAGE_SIZE, q * PAGE_SIZE));
            column.store(dot, sum, q * PAGE_SIZE);
          });
        });
      }
    });
    visit((dot, query, v, at) => {
      const score = scaled(dot.loadVector(PAGE_SIZE, at), scales[v]);
      query.scores.store(inner, score, first.add(v).mul(PAGE_SIZE));
    });
  });
}

function scaled(value: PrimExpr, scale: PrimExpr | undefined): PrimExpr {
  return scale === undefined ? value : value.mul(scale);
}

/** Turns the chunk's scores into what the values are multiplied with and adds up the probabilities; returns the factors for the values. */
function normalizeScores(block: Block, query: Query, source: ChunkSource, pages: PrimExpr): MergeFactors {
  const { scores } = query;
  const lanes = block.local("lanes", PAGE_SIZE);
  const current = () => lanes.loadVector(PAGE_SIZE, 0);
  block.store(lanes, float(MASKED).broadcast(PAGE_SIZE), 0);
  block.serial("t", pages, (inner, t) =>
    inner.store(lanes, current().max(scores.load(PAGE_SIZE, t.mul(PAGE_SIZE))), 0),
  );
  const largest = maxLanes(block, current());
  block.store(lanes, float(0).broadcast(PAGE_SIZE), 0);
  block.serial("t", pages, (inner, t) => {
    const at = t.mul(PAGE_SIZE);
    const probability = exp2(inner, scores.load(PAGE_SIZE, at).sub(largest));
    scores.store(inner, scaled(probability, source.scales?.values(inner, t)), at);
    inner.store(lanes, current().add(probability), 0);
  });
  return mergeSums(block, query, largest, current());
}

/** Merges the largest score and the sums of a chunk; returns the factors for the values. */
function mergeSums(
  block: Block,
  { largest, sums }: Sums,
  chunkLargest: PrimExpr,
  chunkSums: PrimExpr,
): MergeFactors {
  const before = block.bind("before", largest.load(1));
  const after = block.bind("after", before.max(chunkLargest));
  largest.store(block, after);
  const smaller = exp2(block, before.min(chunkLargest).sub(after));
  const chunkLeads = before.lt(chunkLargest);
  const factors = {
    before: block.bind("factor", select(chunkLeads, smaller, float(1))),
    chunk: block.bind("factor", select(chunkLeads, float(1), smaller)),
  };
  sums.store(block, merged(sums.load(PAGE_SIZE), chunkSums, factors));
  return factors;
}

function merged(before: PrimExpr, chunk: PrimExpr, factors: MergeFactors): PrimExpr {
  return multiplyAdd(before, factors.before, chunk.mul(factors.chunk));
}

/** Statements that add the sums of one chunk, kept apart until now, to those of the chunks before it. */
export function mergeChunk(block: Block, into: Sums, chunk: Sums, headDim: number): void {
  const chunkLargest = block.bind("largest", chunk.largest.load(1));
  const factors = mergeSums(block, into, chunkLargest, chunk.sums.load(PAGE_SIZE));
  const lanes = lanesFor(headDim);
  block.serial("d", headDim / lanes, (inner, j) => {
    const d = j.mul(lanes);
    into.values.store(inner, merged(into.values.load(lanes, d), chunk.values.load(lanes, d), factors), d);
  });
}

/** values += probabilities · v, a tile of queries x value vectors in registers. */
function addValues(
  block: Block,
  queries: readonly Query[],
  factors: readonly MergeFactors[],
  source: ChunkSource,
  keys: PrimExpr,
  sizes: TileSizes,
): void {
  const lanes = lanesFor(sizes.headDim);
  for (const { firstQuery, count, firstVector, width } of valueTiles(queries.length, sizes)) {
    const tile = queries.slice(firstQuery, firstQuery + count);
    // A buffer for each query: small enough for registers.
    const sums = tile.map(() => block.local("tile", width * lanes));
    const vectors = Array.from({ length: width }, (_, v) => v * lanes);
    for (const sum of sums) for (const at of vectors) block.store(sum, float(0).broadcast(lanes), at);
    block.serial("t", keys.add(PAGE_SIZE - 1).floorDiv(PAGE_SIZE), (inner, t) => {
      const load = source.valuePage(inner, t);
      // Slots beyond the last position were never written and may hold anything.
      inner.serial("slot", keys.sub(t.mul(PAGE_SIZE)).min(PAGE_SIZE), (key, slot) => {
        const rows = vectors.map((at) => key.bind("v", load(key, lanes, slot, firstVector * lanes + at)));
        sums.forEach((sum, q) => {
          const probability = (tile[q] as Query).scores.load(1, t.mul(PAGE_SIZE).add(slot));
          const factor = key.bind("p", probability);
          rows.forEach((row, v) => {
            key.store(sum, multiplyAdd(row, factor, sum.loadVector(lanes, v * lanes)), v * lanes);
          });
        });
      });
    });
    tile.forEach(({ values }, q) => {
      for (const at of vectors) {
        const place = firstVector * lanes + at;
        const chunk = (sums[q] as Buffer).loadVector(lanes, at);
        values.store(
          block,
          merged(values.load(lanes, place), chunk, factors[firstQuery + q] as MergeFactors),
          place,
        );
      }
    });
  }
}
