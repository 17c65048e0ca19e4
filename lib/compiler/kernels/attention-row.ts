/** Attention of one row: the query heads that share a KV head form the tile; keys and values are read from their pages. */
import { int, type PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { type CachedRow, rotateHead } from "./attention-append.js";
import { attendChunk, type ChunkSource, clearSums, type Query } from "./attention-chunk.js";
import { loadScales } from "./attention-codes.js";
import { type AttentionBuffers, type AttentionOptions, PAGE_SIZE } from "./attention-options.js";
import { spreadSize } from "./attention-spread.js";
import { localStrip } from "./attention-strip.js";
import { headTiles, tileSizes } from "./attention-tiling.js";
import { CHUNK_KEYS, CHUNK_PAGES, type ChunkList } from "./attention-visibility.js";

/** Elements of a cache line. */
const LINE_ELEMENTS = { float32: 16, float16: 32, int8: 64 } as const;

/** A query and where it comes from. */
export interface HeadQuery extends Query {
  readonly row: PrimExpr;
  /** Index among the query heads. */
  readonly head: PrimExpr;
}

/** Which chunks to attend to, and what follows. */
export interface RowChunks {
  /** All chunks the row sees. */
  readonly list: ChunkList;
  /** The first place in the list, and the one behind the last. */
  readonly first: PrimExpr;
  readonly end: PrimExpr;
  /** Statements after the chunk in a place of the list, for each query. */
  afterChunk?(block: Block, query: HeadQuery, place: PrimExpr): void;
  /** Statements after the last chunk, for each query. */
  afterLast(block: Block, query: HeadQuery): void;
}

/** Factor of queries, so that scores are exponents of two. */
export function queryScale({ headDim, kvDtype }: AttentionOptions): number {
  const spread = kvDtype === "int8" ? spreadSize(headDim) : 1;
  return (headDim ** -0.5 * Math.LOG2E) / spread;
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
      const place = inner.bind("place", chunks.first.add(index));
      const chunk = inner.bind("chunk", chunks.list.at(place));
      const start = inner.bind("start", chunk.mul(CHUNK_KEYS));
      const keys = inner.bind("keys", position.add(1).sub(start).min(CHUNK_KEYS));
      const source = pagedSource(options, buffers, at, chunk);
      attendChunk(inner, queries, source, { start, keys, visibility: options }, sizes);
      for (const query of queries) chunks.afterChunk?.(inner, query, place);
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

/**
 * Keys and values of one KV head in the pages of a sequence. Pages lie apart in memory, so no processor foresees the next one:
 * reading the keys of a chunk fetches its values, and reading the values fetches the keys of the next chunk.
 */
export function pagedSource(
  { headDim, kvDtype }: AttentionOptions,
  { pages, pageIndices, layer }: AttentionBuffers,
  { position, firstPage, kvHead }: Omit<CachedRow, "row"> & { readonly kvHead: PrimExpr },
  chunk: PrimExpr,
): ChunkSource {
  const lineElements = LINE_ELEMENTS[kvDtype];
  const lastPage = position.floorDiv(PAGE_SIZE);
  // Several pages of keys are read at a time, and fetched ahead: beyond the last page, the last one again.
  const pageOf = (block: Block, inSequence: PrimExpr) =>
    block.bind("page", pageIndices.load(firstPage.add(inSequence.min(lastPage))).cast("int64"));
  const load = (page: PrimExpr, kind: number, lanes: number, at: PrimExpr) =>
    pages.loadVector(lanes, page, layer, kind, kvHead, at).cast("float32");
  const pageInChunk = (block: Block, inChunk: PrimExpr) => pageOf(block, chunk.mul(CHUNK_PAGES).add(inChunk));
  const scales = (kind: number) => (block: Block, inChunk: PrimExpr) => {
    const record = [pageInChunk(block, inChunk), layer, int(kind), kvHead];
    return block.bind("scales", loadScales(pages, record, headDim));
  };
  return {
    ...(kvDtype === "int8" ? { scales: { keys: scales(0), values: scales(1) } } : {}),
    keyPage(block, inChunk) {
      const page = pageInChunk(block, inChunk);
      return (inner, pair, odd) => {
        const at = pair.mul(2).add(odd).mul(PAGE_SIZE);
        if ((odd * PAGE_SIZE) % lineElements === 0) inner.prefetch(pages, page, layer, 1, kvHead, at);
        return load(page, 0, PAGE_SIZE, at);
      };
    },
    valuePage(block, inChunk) {
      const page = pageInChunk(block, inChunk);
      const next = pageOf(block, chunk.add(1).mul(CHUNK_PAGES).add(inChunk));
      return (inner, lanes, slot, at) => {
        const place = slot.mul(headDim).add(at);
        if (at % lineElements === 0) inner.prefetch(pages, next, layer, 0, kvHead, place);
        return load(page, 1, lanes, place);
      };
    },
  };
}
