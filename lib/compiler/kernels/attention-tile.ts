/**
 * Second half of attention: a tile of query vectors that share the keys and values of one KV head. Keys are visited in chunks of
 * 256 positions from 0 on, with an online softmax from chunk to chunk; the steps of one query vector do not depend on the
 * others of its tile, so its result has the same bits in every tile.
 */
import type { Buffer } from "../ir/buffer.js";
import { float, type PrimExpr, select } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { laneIndices, multiplyAdd } from "../ir/vector.js";
import { type AttentionBuffers, PAGE_SIZE } from "./attention-options.js";
import { lanesFor, maxLanes, sumLanes } from "./lanes.js";
import { exp2 } from "./vector-math.js";

/** Pages of a chunk: the scores of a tile's chunk stay in the first-level cache. */
const CHUNK_PAGES = 16;
const CHUNK_KEYS = CHUNK_PAGES * PAGE_SIZE;

/** Below every score; a masked key. */
const MASKED = -1e30;

/** One query vector of a tile. */
export interface Query {
  /** Row of qkv and of the output. */
  readonly row: PrimExpr;
  /** First column of its head, in qkv and in the output. */
  readonly column: PrimExpr;
  /** The last key it may see. */
  readonly position: PrimExpr;
  /** Whether its result is wanted; absent where it always is. */
  readonly wanted?: PrimExpr;
}

/** What the queries of a tile have in common. */
export interface TileContext {
  readonly buffers: AttentionBuffers;
  readonly headDim: number;
  readonly kvHead: PrimExpr;
  /** Index in page_indices of the sequence's first page. */
  readonly firstPage: PrimExpr;
  /** The largest position of the tile's queries. */
  readonly lastPosition: PrimExpr;
  /** Vectors of sums that fit the registers. */
  readonly registerTile: number;
}

/** Memory of a tile. */
interface TileState {
  /** [query, 256]: scores, then probabilities, of the chunk. */
  readonly scores: Buffer;
  /** [query]: largest score so far. */
  readonly largest: Buffer;
  /** [query, 16]: sums of probabilities so far, by lane. */
  readonly sums: Buffer;
  /** [query, headDim]: weighted sums of values so far. */
  readonly values: Buffer;
}

/** A chunk of keys. */
interface Chunk {
  /** Page of the sequence, and number of pages. */
  readonly first: PrimExpr;
  readonly pages: PrimExpr;
}

/** Statements that compute the attention of the tile's queries and store it. */
export function attentionTile(block: Block, context: TileContext, queries: readonly Query[]): void {
  const { headDim, lastPosition } = context;
  const count = queries.length;
  const state: TileState = {
    scores: block.local("scores", count * CHUNK_KEYS),
    largest: block.local("largest", count),
    sums: block.local("sums", count * PAGE_SIZE),
    values: block.local("values", count * headDim),
  };
  const lanes = lanesFor(headDim);
  queries.forEach((_, q) => {
    block.store(state.largest, MASKED, q);
    block.store(state.sums, float(0).broadcast(PAGE_SIZE), q * PAGE_SIZE);
  });
  block.serial("d", (count * headDim) / lanes, (inner, d) =>
    inner.store(state.values, float(0).broadcast(lanes), d.mul(lanes)),
  );
  const pages = block.bind("pages", lastPosition.floorDiv(PAGE_SIZE).add(1));
  block.serial("chunk", pages.add(CHUNK_PAGES - 1).floorDiv(CHUNK_PAGES), (inner, index) => {
    const first = inner.bind("first_page", index.mul(CHUNK_PAGES));
    const chunk = { first, pages: inner.bind("chunk_pages", pages.sub(first).min(CHUNK_PAGES)) };
    scoreChunk(inner, context, queries, state, chunk);
    queries.forEach((_, q) => {
      rescale(inner, headDim, state, q, chunk);
    });
    addValues(inner, context, count, state, chunk);
  });
  queries.forEach((query, q) => {
    const write = (inner: Block) => storeQuery(inner, context, state, query, q);
    if (query.wanted === undefined) write(block);
    else block.if(query.wanted, write);
  });
}

/** scores = q · k * headDim^-0.5 * log2(e), masked beyond each query's position. */
function scoreChunk(
  block: Block,
  context: TileContext,
  queries: readonly Query[],
  { scores }: TileState,
  chunk: Chunk,
): void {
  const { buffers, headDim, kvHead } = context;
  block.serial("t", chunk.pages, (inner, t) => {
    const page = pageOf(inner, context, chunk.first.add(t));
    const dots = inner.local("dots", queries.length * PAGE_SIZE);
    queries.forEach((_, q) => {
      inner.store(dots, float(0).broadcast(PAGE_SIZE), q * PAGE_SIZE);
    });
    inner.serial("d", headDim, (column, d) => {
      const keys = buffers.pages.loadVector(PAGE_SIZE, page, buffers.layer, 0, kvHead, d.mul(PAGE_SIZE));
      const values = column.bind("keys", keys.cast("float32"));
      queries.forEach((query, q) => {
        const element = buffers.qkv.load(query.row, query.column.add(d)).broadcast(PAGE_SIZE);
        const dot = dots.loadVector(PAGE_SIZE, q * PAGE_SIZE);
        column.store(dots, multiplyAdd(values, element, dot), q * PAGE_SIZE);
      });
    });
    const start = chunk.first.add(t).mul(PAGE_SIZE);
    queries.forEach((query, q) => {
      // Lanes up to `visible` are keys the query may see.
      const visible = query.position.sub(start).max(-1).min(PAGE_SIZE).cast("int32");
      const score = dots.loadVector(PAGE_SIZE, q * PAGE_SIZE).mul(headDim ** -0.5 * Math.LOG2E);
      const masked = select(laneIndices(PAGE_SIZE).le(visible), score, float(MASKED).broadcast(PAGE_SIZE));
      inner.store(scores, masked, t.mul(PAGE_SIZE).add(q * CHUNK_KEYS));
    });
  });
}

/** Turns the chunk's scores of one query into probabilities and brings its sums to the new largest score. */
function rescale(block: Block, headDim: number, state: TileState, q: number, chunk: Chunk): void {
  const { scores, largest, sums, values } = state;
  const chunkLargest = block.local("chunk_largest", PAGE_SIZE);
  const at = (t: PrimExpr) => t.mul(PAGE_SIZE).add(q * CHUNK_KEYS);
  block.store(chunkLargest, float(MASKED).broadcast(PAGE_SIZE), 0);
  block.serial("t", chunk.pages, (inner, t) => {
    const score = scores.loadVector(PAGE_SIZE, at(t));
    inner.store(chunkLargest, chunkLargest.loadVector(PAGE_SIZE, 0).max(score), 0);
  });
  const before = block.bind("before", largest.load(q));
  const after = block.bind("after", before.max(maxLanes(block, chunkLargest.loadVector(PAGE_SIZE, 0))));
  block.store(largest, after, q);
  const factor = exp2(block, before.sub(after));
  block.store(sums, sums.loadVector(PAGE_SIZE, q * PAGE_SIZE).mul(factor), q * PAGE_SIZE);
  const lanes = lanesFor(headDim);
  block.serial("d", headDim / lanes, (inner, d) => {
    const place = d.mul(lanes).add(q * headDim);
    inner.store(values, values.loadVector(lanes, place).mul(factor), place);
  });
  block.serial("t", chunk.pages, (inner, t) => {
    const probability = exp2(inner, scores.loadVector(PAGE_SIZE, at(t)).sub(after));
    inner.store(scores, probability, at(t));
    inner.store(sums, sums.loadVector(PAGE_SIZE, q * PAGE_SIZE).add(probability), q * PAGE_SIZE);
  });
}

/** values += probabilities · v, a tile of queries x value vectors in registers. */
function addValues(
  block: Block,
  context: TileContext,
  count: number,
  { scores, values }: TileState,
  chunk: Chunk,
): void {
  const { buffers, headDim, kvHead, lastPosition, registerTile } = context;
  const lanes = lanesFor(headDim);
  for (const { firstQuery, queries, firstVector, vectors } of registerTiles(
    count,
    headDim / lanes,
    registerTile,
  )) {
    // A buffer for each query: small enough for registers.
    const sums = Array.from({ length: queries }, () => block.local("tile", vectors * lanes));
    const visit = (use: (sum: Buffer, at: number, place: number) => void) => {
      sums.forEach((sum, q) => {
        for (let v = 0; v < vectors; v++)
          use(sum, v * lanes, (firstQuery + q) * headDim + (firstVector + v) * lanes);
      });
    };
    visit((sum, at, place) => block.store(sum, values.loadVector(lanes, place), at));
    block.serial("t", chunk.pages, (inner, t) => {
      const page = pageOf(inner, context, chunk.first.add(t));
      // Slots beyond the last position were never written and may hold anything.
      const written = lastPosition.add(1).sub(chunk.first.add(t).mul(PAGE_SIZE));
      inner.serial("slot", written.min(PAGE_SIZE), (key, slot) => {
        const rows = Array.from({ length: vectors }, (_, v) => {
          const at = slot.mul(headDim).add((firstVector + v) * lanes);
          const value = buffers.pages.loadVector(lanes, page, buffers.layer, 1, kvHead, at);
          return key.bind("v", value.cast("float32"));
        });
        sums.forEach((sum, q) => {
          const probability = scores.load(
            t
              .mul(PAGE_SIZE)
              .add(slot)
              .add((firstQuery + q) * CHUNK_KEYS),
          );
          const factor = key.bind("p", probability);
          rows.forEach((value, v) => {
            key.store(sum, multiplyAdd(value, factor, sum.loadVector(lanes, v * lanes)), v * lanes);
          });
        });
      });
    });
    visit((sum, at, place) => block.store(values, sum.loadVector(lanes, at), place));
  }
}

/** Cuts queries x value vectors into tiles of at most `limit` vectors. */
function registerTiles(count: number, vectors: number, limit: number) {
  const width = [4, 5, 3, 2].find((size) => vectors % size === 0 && size <= limit) ?? 1;
  const height = Math.max(1, Math.floor(limit / width));
  const tiles = [];
  for (let firstQuery = 0; firstQuery < count; firstQuery += height)
    for (let firstVector = 0; firstVector < vectors; firstVector += width)
      tiles.push({ firstQuery, queries: Math.min(height, count - firstQuery), firstVector, vectors: width });
  return tiles;
}

function storeQuery(
  block: Block,
  { buffers, headDim }: TileContext,
  { sums, values }: TileState,
  query: Query,
  q: number,
): void {
  const total = sumLanes(block, sums.loadVector(PAGE_SIZE, q * PAGE_SIZE));
  const factor = block.bind("factor", float(1).div(total));
  const lanes = lanesFor(headDim);
  block.serial("d", headDim / lanes, (inner, j) => {
    const d = j.mul(lanes);
    const value = values.loadVector(lanes, d.add(q * headDim)).mul(factor);
    inner.store(buffers.output, value, query.row, query.column.add(d));
  });
}

/** Index in kv_pages of page `page` of the sequence. */
function pageOf(block: Block, { buffers, firstPage }: TileContext, page: PrimExpr): PrimExpr {
  return block.bind("page", buffers.pageIndices.load(firstPage.add(page)).cast("int64"));
}
