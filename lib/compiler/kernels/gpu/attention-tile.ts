/**
 * Attention of a tile on a GPU: some rows of one sequence with all query heads of one KV head, by the threads of one block. Keys are taken
 * in chunks of 128, a thread each; then a thread takes an element of the values. Softmax is online over the chunks (FlashAttention, arXiv
 * 2205.14135), with exponents of two.
 */
import type { Buffer } from "../../ir/buffer.js";
import { float, int, type PrimExpr, select } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";
import { type AttentionBuffers, type AttentionOptions, PAGE_SIZE } from "../attention-options.js";
import { CHUNK_KEYS, CHUNK_PAGES, type ChunkList, MASKED } from "../attention-visibility.js";
import type { GpuTraits } from "../kernel-target.js";
import { pageElement, rotateHead } from "./attention-append.js";
import { strided } from "./launch.js";
import { INDEX } from "./program.js";
import { exp2 } from "./scalar-math.js";

/** Threads of a block: one for each key of a chunk. */
export const TILE_THREADS = CHUNK_KEYS;

/** Queries whose sums a thread holds in registers. */
const MOST_QUERIES = 16;

/** Rows of a tile of the prefill form: a power of two, by which divisions are cheap. */
export function tileRows({ heads, kvHeads }: Pick<AttentionOptions, "heads" | "kvHeads">): number {
  return 2 ** Math.max(0, Math.floor(Math.log2(MOST_QUERIES / (heads / kvHeads))));
}

/** Rows of one sequence, and where it lies. */
export interface TilePlace {
  readonly thread: PrimExpr;
  readonly kvHead: PrimExpr;
  /** First row of the step. */
  readonly first: PrimExpr;
  /** Rows in the tile at most, known when the kernel is written; and how many there are. */
  readonly rows: number;
  readonly count: PrimExpr;
  /** Index in page_indices of the sequence's first page. */
  readonly firstPage: PrimExpr;
  /** Position of the last key that any of the rows sees. */
  readonly lastKey: PrimExpr;
}

/** The memory of a tile; a query is a row's head, [row][head]. */
export interface TileState {
  readonly queries: number;
  /** Elements of the values that a thread sums, and into how many parts the keys are cut for the threads beyond. */
  readonly perThread: number;
  readonly parts: number;
  /** Shared: rotated queries [query][headDim]; scores, then exponentials, [query][128]. */
  readonly rotated: Buffer;
  readonly scores: Buffer;
  /** Shared, of each query: largest score, sum of exponentials, factor of what was summed before the chunk. */
  readonly largest: Buffer;
  readonly sums: Buffer;
  readonly factors: Buffer;
  readonly scratch: Buffer;
  /** Registers [query][element of the thread]. */
  readonly values: Buffer;
}

/** Statements that make the state: queries rotated, nothing attended to. */
export function openTile(
  block: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  place: TilePlace,
): TileState {
  const { heads, kvHeads, headDim } = options;
  const { thread, rows, first, count, kvHead } = place;
  const group = heads / kvHeads;
  const queries = rows * group;
  const parts = Math.max(1, 2 ** Math.floor(Math.log2(Math.max(1, TILE_THREADS / headDim))));
  const perThread = Math.ceil(headDim / TILE_THREADS);
  const state: TileState = {
    queries,
    perThread,
    parts: Math.min(parts, CHUNK_PAGES),
    rotated: block.shared("rotated", queries * headDim),
    scores: block.shared("scores", queries * TILE_THREADS),
    largest: block.shared("largest", queries),
    sums: block.shared("sums", queries),
    factors: block.shared("factors", queries),
    scratch: block.shared("scratch", TILE_THREADS),
    values: block.registers("values", queries * perThread),
  };
  for (let i = 0; i < queries * perThread; i++) block.store(state.values, 0, i);
  strided(block, queries, TILE_THREADS, thread, (inner, query) => {
    inner.store(state.largest, MASKED, query);
    inner.store(state.sums, 0, query);
  });
  const scale = headDim ** -0.5 * Math.LOG2E;
  const team = { threads: TILE_THREADS, thread };
  block.serial("query", queries, (inner, query) => {
    // Rows beyond the last are rotated as the last; nothing of them is stored.
    const row = inner.bind("query_row", first.add(query.floorDiv(group).min(count.sub(1))));
    const head = inner.bind("head", kvHead.mul(group).add(query.floorMod(group)));
    rotateHead(
      inner,
      options,
      buffers,
      { row, head, norm: buffers.norms?.query, scale },
      team,
      state.scratch,
      (each, value, d) => each.store(state.rotated, value, query.mul(headDim).add(d)),
    );
    if (options.qkNorm !== undefined) inner.synchronize();
  });
  block.synchronize();
  return state;
}

/** Statements that attend to the chunks in some places of a list. */
export function attendChunks(
  block: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  gpu: GpuTraits,
  place: TilePlace,
  state: TileState,
  chunks: { readonly list: ChunkList; readonly first: PrimExpr; readonly end: PrimExpr },
): void {
  block.serial("chunk", chunks.end.sub(chunks.first), (inner, index) => {
    const chunk = inner.bind("chunk_index", chunks.list.at(chunks.first.add(index)));
    const start = inner.bind("start", chunk.mul(CHUNK_KEYS));
    scoreKeys(inner, options, buffers, gpu, place, state, start);
    inner.synchronize();
    takeExponentials(inner, place, state);
    addValues(inner, options, buffers, gpu, place, state, start);
    inner.synchronize();
  });
}

/** A thread's key against every query. */
function scoreKeys(
  block: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  gpu: GpuTraits,
  place: TilePlace,
  { queries, rotated, scores }: TileState,
  start: PrimExpr,
): void {
  const { headDim, heads, kvHeads } = options;
  const { pages, layer, positions } = buffers;
  const { thread, kvHead, first, count, lastKey } = place;
  const key = block.bind("key", start.add(thread));
  const held = block.bind("held", key.min(lastKey));
  const page = block.bind("page", pageAt(buffers, place, held.floorDiv(PAGE_SIZE)));
  const slot = block.bind("slot", held.floorMod(PAGE_SIZE));
  const products = block.registers("products", queries);
  for (let query = 0; query < queries; query++) block.store(products, 0, query);
  block.serial("d", headDim, (inner, d) => {
    const stored = pages.load(page, layer, int(0, INDEX), kvHead, d.mul(PAGE_SIZE).add(slot));
    const element = inner.bind("element", pageElement(stored, gpu));
    for (let query = 0; query < queries; query++) {
      const product = rotated.load(d.add(query * headDim)).mul(element);
      inner.store(products, products.load(query).add(product), query);
    }
  });
  const group = heads / kvHeads;
  for (let query = 0; query < queries; query++) {
    const row = first.add(int(Math.floor(query / group), INDEX).min(count.sub(1)));
    const position = positions.load(row);
    const visible = isVisible(options, key, position, lastKey);
    block.store(
      scores,
      select(visible, products.load(query), float(MASKED)),
      thread.add(query * TILE_THREADS),
    );
  }
}

/** Whether a row sees a key (attention-visibility.ts). */
function isVisible(
  { window, sinkTokens = 0, bidirectional = false }: AttentionOptions,
  key: PrimExpr,
  position: PrimExpr,
  lastKey: PrimExpr,
): PrimExpr {
  const past = key.le(bidirectional ? lastKey : position).cast("int32");
  if (window === undefined) return past.eq(1);
  const recent = key.gt(position.sub(window)).cast("int32");
  const seen = sinkTokens === 0 ? recent : recent.max(key.lt(sinkTokens).cast("int32"));
  return past.mul(seen).eq(1);
}

function pageAt({ pageIndices }: AttentionBuffers, { firstPage }: TilePlace, inSequence: PrimExpr): PrimExpr {
  return pageIndices.load(firstPage.add(inSequence));
}

/** Scores become exponentials relative to the largest so far; the queries' largest scores, sums and factors follow. */
function takeExponentials(block: Block, { thread }: TilePlace, state: TileState): void {
  const { queries, scores, largest, sums, factors } = state;
  reduceScores(
    block,
    thread,
    state,
    (a, b) => a.max(b),
    (inner, query, chunkLargest) => {
      const before = inner.bind("before", largest.load(query));
      const now = inner.bind("now", before.max(chunkLargest));
      inner.store(factors, exp2(before.sub(now)), query);
      inner.store(largest, now, query);
    },
  );
  block.synchronize();
  for (let query = 0; query < queries; query++) {
    const at = thread.add(query * TILE_THREADS);
    const score = block.bind("score", scores.load(at));
    const power = exp2(score.sub(largest.load(query)));
    // Where a query has seen nothing yet its largest is MASKED too.
    block.store(scores, select(score.gt(MASKED / 2), power, float(0)), at);
  }
  block.synchronize();
  reduceScores(
    block,
    thread,
    state,
    (a, b) => a.add(b),
    (inner, query, chunkSum) =>
      inner.store(sums, sums.load(query).mul(factors.load(query)).add(chunkSum), query),
  );
  block.synchronize();
}

/** Combines the 128 scores of each query: as many threads as there are for one. `use` runs on one thread a query. */
function reduceScores(
  block: Block,
  thread: PrimExpr,
  { queries, scores, scratch }: TileState,
  combine: (a: PrimExpr, b: PrimExpr) => PrimExpr,
  use: (block: Block, query: PrimExpr, value: PrimExpr) => void,
): void {
  const team = TILE_THREADS / 2 ** Math.ceil(Math.log2(queries));
  const query = block.bind("own_query", thread.floorDiv(team).min(queries - 1));
  const member = block.bind("member", thread.floorMod(team));
  const own = block.registers("own", 1);
  const load = (i: number) =>
    scores.load(
      query
        .mul(TILE_THREADS)
        .add(member)
        .add(i * team),
    );
  block.store(own, load(0), 0);
  for (let i = 1; i < TILE_THREADS / team; i++) block.store(own, combine(own.load(0), load(i)), 0);
  block.store(scratch, own.load(0), thread);
  for (let half = team / 2; half >= 1; half /= 2) {
    block.synchronize();
    block.if(member.lt(half), (inner) =>
      inner.store(scratch, combine(scratch.load(thread), scratch.load(thread.add(half))), thread),
    );
  }
  block.synchronize();
  block.if(thread.lt(queries), (inner) => use(inner, thread, scratch.load(thread.mul(team))));
}

/** A thread's element of the values of all keys of its part of the chunk, for every query. */
function addValues(
  block: Block,
  { headDim }: AttentionOptions,
  buffers: AttentionBuffers,
  gpu: GpuTraits,
  place: TilePlace,
  { queries, perThread, parts, scores, factors, values }: TileState,
  start: PrimExpr,
): void {
  const { pages, layer } = buffers;
  const { thread, kvHead, lastKey } = place;
  const { part, element } = valuePlace(block, { headDim, parts }, thread);
  for (let query = 0; query < queries; query++) {
    const factor = block.bind("factor", factors.load(query));
    for (let i = 0; i < perThread; i++) {
      const at = query * perThread + i;
      block.store(values, values.load(at).mul(factor), at);
    }
  }
  const keys = block.bind("keys", lastKey.add(1).sub(start).min(CHUNK_KEYS));
  const pagesOfPart = CHUNK_PAGES / parts;
  block.serial("page_in_part", pagesOfPart, (inner, index) => {
    const inChunk = inner.bind("page_in_chunk", part.mul(pagesOfPart).add(index));
    const before = inner.bind("keys_before", inChunk.mul(PAGE_SIZE));
    const count = inner.bind("key_count", keys.sub(before).min(PAGE_SIZE));
    const inSequence = start.floorDiv(PAGE_SIZE).add(inChunk).min(lastKey.floorDiv(PAGE_SIZE));
    const page = inner.bind("page", pageAt(buffers, place, inSequence));
    inner.serial("slot", count.max(0), (each, slot) => {
      for (let i = 0; i < perThread; i++) {
        const d = element.add(i * TILE_THREADS).min(headDim - 1);
        const stored = pages.load(page, layer, int(1, INDEX), kvHead, slot.mul(headDim).add(d));
        const value = each.bind("value", pageElement(stored, gpu));
        for (let query = 0; query < queries; query++) {
          const weight = scores.load(before.add(slot).add(query * TILE_THREADS));
          const at = query * perThread + i;
          each.store(values, values.load(at).add(weight.mul(value)), at);
        }
      }
    });
  });
}

/** Which part of the keys a thread takes and which element of the values; threads beyond them repeat the last. */
function valuePlace(
  block: Block,
  { headDim, parts }: { readonly headDim: number; readonly parts: number },
  thread: PrimExpr,
): { part: PrimExpr; element: PrimExpr } {
  if (parts === 1) return { part: int(0, INDEX), element: thread };
  const width = TILE_THREADS / parts;
  const part = block.bind("part", thread.floorDiv(width));
  return { part, element: block.bind("element", thread.floorMod(width).min(headDim - 1)) };
}

/**
 * Statements that hand every query's summed values to `use`, element by element, on the threads that have them.
 * @param use may be called for rows that are not there.
 */
export function closeTile(
  block: Block,
  { headDim }: AttentionOptions,
  { thread }: TilePlace,
  { queries, perThread, parts, scores, values }: TileState,
  use: (block: Block, query: number, element: PrimExpr, value: PrimExpr) => void,
): void {
  if (parts === 1) {
    for (let i = 0; i < perThread; i++) {
      const element = block.bind("element", thread.add(i * TILE_THREADS));
      block.if(element.lt(headDim), (inner) => {
        for (let query = 0; query < queries; query++)
          use(inner, query, element, values.load(query * perThread + i));
      });
    }
    return;
  }
  const width = TILE_THREADS / parts;
  for (let query = 0; query < queries; query++)
    block.store(scores, values.load(query), thread.add(query * TILE_THREADS));
  block.synchronize();
  block.if(thread.lt(headDim), (inner) => {
    for (let query = 0; query < queries; query++) {
      let sum = scores.load(thread.add(query * TILE_THREADS));
      for (let part = 1; part < parts; part++)
        sum = sum.add(scores.load(thread.add(query * TILE_THREADS + part * width)));
      use(inner, query, thread, sum);
    }
  });
}
