/** Attention of one row: the query heads that share a KV head form the tile; keys and values are read from their pages. */
import type { PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { type CachedRow, rotateHead } from "./attention-append.js";
import {
  attendChunk,
  CHUNK_KEYS,
  CHUNK_PAGES,
  type ChunkSource,
  clearSums,
  type Query,
} from "./attention-chunk.js";
import { type AttentionBuffers, type AttentionOptions, PAGE_SIZE } from "./attention-options.js";
import { localStrip } from "./attention-strip.js";
import { headTiles, tileSizes } from "./attention-tiling.js";

/** A query and where it comes from. */
export interface HeadQuery extends Query {
  readonly row: PrimExpr;
  /** Index among the query heads. */
  readonly head: PrimExpr;
}

/** Which chunks to attend to, and what follows. */
export interface RowChunks {
  readonly first: PrimExpr;
  /** The chunk behind the last one. */
  readonly end: PrimExpr;
  /** Statements after each chunk, for each query. */
  afterChunk?(block: Block, query: HeadQuery, chunk: PrimExpr): void;
  /** Statements after the last chunk, for each query. */
  afterLast(block: Block, query: HeadQuery): void;
}

/** Chunks that hold the keys up to a position. */
export function chunksUpTo(position: PrimExpr): PrimExpr {
  return position.floorDiv(CHUNK_KEYS).add(1);
}

/** Factor of queries, so that scores are exponents of two. */
export function queryScale({ headDim }: AttentionOptions): number {
  return headDim ** -0.5 * Math.LOG2E;
}

/** Statements that attend to some chunks of a row's keys, for all query heads of one KV head. */
export function attendRow(
  block: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  at: CachedRow & { readonly kvHead: PrimExpr },
  chunks: RowChunks,
): void {
  const { position, kvHead } = at;
  const sizes = tileSizes(options, false);
  const group = options.heads / options.kvHeads;
  for (const { first, count } of headTiles(group, sizes)) {
    const queries = Array.from({ length: count }, (_, q) =>
      localQuery(block, options, buffers, at, block.bind("head", kvHead.mul(group).add(first + q))),
    );
    block.serial("chunk", chunks.end.sub(chunks.first), (inner, index) => {
      const chunk = inner.bind("chunk", chunks.first.add(index));
      const start = inner.bind("start", chunk.mul(CHUNK_KEYS));
      const keys = inner.bind("keys", position.add(1).sub(start).min(CHUNK_KEYS));
      attendChunk(inner, queries, pagedSource(options, buffers, at, chunk), { start, keys }, sizes);
      for (const query of queries) chunks.afterChunk?.(inner, query, chunk);
    });
    for (const query of queries) chunks.afterLast(block, query);
  }
}

/** A rotated query with memory of its own: strips below 1 KB, which lie on the stack. */
function localQuery(
  block: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  { row, position }: CachedRow,
  head: PrimExpr,
): HeadQuery {
  const { headDim } = options;
  const query = {
    row,
    head,
    position,
    vector: localStrip(block, "query", headDim),
    scores: localStrip(block, "scores", CHUNK_KEYS),
    largest: localStrip(block, "largest", 1),
    sums: localStrip(block, "sums", PAGE_SIZE),
    values: localStrip(block, "values", headDim),
  };
  const source = { row, head, norm: buffers.norms?.query, scale: queryScale(options) };
  rotateHead(block, options, buffers, source, query.vector);
  clearSums(block, query, headDim);
  return query;
}

/** Keys and values of one KV head in the pages of a sequence. */
export function pagedSource(
  { headDim }: AttentionOptions,
  { pages, pageIndices, layer }: AttentionBuffers,
  { position, firstPage, kvHead }: Omit<CachedRow, "row"> & { readonly kvHead: PrimExpr },
  chunk: PrimExpr,
): ChunkSource {
  const pageOf = (block: Block, inChunk: PrimExpr) => {
    // Pages of keys are visited several at a time: beyond the last page, the last one again.
    const page = chunk.mul(CHUNK_PAGES).add(inChunk).min(position.floorDiv(PAGE_SIZE));
    return block.bind("page", pageIndices.load(firstPage.add(page)).cast("int64"));
  };
  const load = (page: PrimExpr, kind: number, lanes: number, at: PrimExpr) =>
    pages.loadVector(lanes, page, layer, kind, kvHead, at).cast("float32");
  return {
    keyPage(block, inChunk) {
      const page = pageOf(block, inChunk);
      return (d) => load(page, 0, PAGE_SIZE, d.mul(PAGE_SIZE));
    },
    valuePage(block, inChunk) {
      const page = pageOf(block, inChunk);
      return (lanes, slot, at) => load(page, 1, lanes, slot.mul(headDim).add(at));
    },
  };
}
