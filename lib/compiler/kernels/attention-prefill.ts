/**
 * Attention of any rows. A sequence's rows are cut into blocks; a task is one block with one KV head. The queries of its rows and
 * heads lie in one list, rows first, which is cut into register tiles; each chunk of keys and values is converted to float32
 * once and used by all of them. Chunks behind a block's last row are never visited.
 */
import type { Buffer } from "../ir/buffer.js";
import { int, type PrimExpr, select } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { rotateHead } from "./attention-append.js";
import { attendChunk, type ChunkSource, clearSums, type Query } from "./attention-chunk.js";
import { type AttentionBuffers, type AttentionOptions, PAGE_SIZE } from "./attention-options.js";
import { storeHead } from "./attention-output.js";
import { attendRow, pagedSource, queryScale } from "./attention-row.js";
import { Strip } from "./attention-strip.js";
import { blockRows, type TileSizes, tileSizes } from "./attention-tiling.js";
import { CHUNK_KEYS, visibleChunks } from "./attention-visibility.js";
import { lanesFor } from "./lanes.js";

/** float32 elements of a cache line. */
const LINE_ELEMENTS = 16;

/** The rows of a task. */
interface RowBlock {
  readonly sequence: PrimExpr;
  readonly first: PrimExpr;
  readonly last: PrimExpr;
  readonly kvHead: PrimExpr;
}

/**
 * Statements that attend for all rows, whose keys are in the pages. Early blocks of a sequence see few keys and late ones many,
 * so they are dealt out from both ends: contiguous ranges of tasks cost about the same.
 */
export function attendPrefill(body: Block, options: AttentionOptions, buffers: AttentionBuffers): void {
  const size = blockRows(options);
  const blocks = countBlocks(body, buffers, size);
  body.parallel("task", blocks.mul(options.kvHeads), (block, task) => {
    const kvHead = block.bind("kv_head", task.floorDiv(blocks));
    const order = block.bind("order", task.floorMod(blocks));
    const half = order.floorDiv(2);
    const index = block.bind("block", select(order.floorMod(2).eq(0), half, blocks.sub(1).sub(half)));
    const at = { ...findRows(block, buffers, index, size), kvHead };
    block.if(
      at.first.eq(at.last),
      (one) => attendSingle(one, options, buffers, at),
      (many) => attendBlock(many, options, buffers, at),
    );
  });
}

/** Row blocks of `size` rows that `count` rows are cut into. */
function blocksOf(count: PrimExpr, size: number): PrimExpr {
  return count.add(size - 1).floorDiv(size);
}

function countBlocks(body: Block, { sequences, qIndptr }: AttentionBuffers, size: number): PrimExpr {
  const total = body.local("total", 1, "int64");
  body.store(total, int(0), 0);
  body.serial("s", sequences, (block, s) => {
    const rows = qIndptr.load(s.add(1)).sub(qIndptr.load(s)).cast("int64");
    block.store(total, total.load(0).add(blocksOf(rows, size)), 0);
  });
  return body.bind("blocks", total.load(0));
}

/** The sequence and the rows `first` to `last` of row block `index`. */
function findRows(block: Block, { sequences, qIndptr }: AttentionBuffers, index: PrimExpr, size: number) {
  // Row blocks before the sequence; sequence, first and last row.
  const found = block.local("found", 4, "int64");
  for (let at = 0; at < 4; at++) block.store(found, int(0), at);
  block.serial("s", sequences, (inner, s) => {
    const start = inner.bind("start", qIndptr.load(s).cast("int64"));
    const end = inner.bind("end", qIndptr.load(s.add(1)).cast("int64"));
    const before = inner.bind("before", found.load(0));
    const after = inner.bind("after", before.add(blocksOf(end.sub(start), size)));
    inner.store(found, after, 0);
    inner.if(index.ge(before), (reached) =>
      reached.if(index.lt(after), (here) => {
        const first = here.bind("first", start.add(index.sub(before).mul(size)));
        here.store(found, s, 1);
        here.store(found, first, 2);
        here.store(found, end.min(first.add(size)).sub(1), 3);
      }),
    );
  });
  return {
    sequence: block.bind("sequence", found.load(1)),
    first: block.bind("first", found.load(2)),
    last: block.bind("last", found.load(3)),
  };
}

/** A block of one row, such as a sequence that decodes beside others' prompts. */
function attendSingle(
  block: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  { sequence, first: row, kvHead }: RowBlock,
): void {
  const position = block.bind("position", buffers.positions.load(row).cast("int64"));
  const firstPage = block.bind("sequence_page", buffers.pageIndptr.load(sequence).cast("int64"));
  const list = visibleChunks(block, options, position, position);
  attendRow(
    block,
    options,
    buffers,
    { row, position, firstPage, kvHead },
    {
      list,
      first: int(0),
      end: block.bind("end", list.count),
      afterLast: (inner, query) => storeHead(inner, options, buffers, query, query),
    },
  );
}

/** Memory of a task; element [i] of all but the last two belongs to query i of the list. */
interface BlockMemory {
  readonly vectors: Buffer;
  readonly largest: Buffer;
  readonly sums: Buffer;
  readonly values: Buffer;
  /** Scores of one tile. */
  readonly scores: Buffer;
  /** A chunk in float32: keys [page][d][16], then values [position][d]. */
  readonly keys: Buffer;
  readonly chunkValues: Buffer;
}

function attendBlock(block: Block, options: AttentionOptions, buffers: AttentionBuffers, at: RowBlock): void {
  const { heads, kvHeads, headDim } = options;
  const { sequence, first, last, kvHead } = at;
  const group = heads / kvHeads;
  const sizes = tileSizes(options, true);
  const memory = blockMemory(block, options, sizes);
  const count = block.bind("queries", last.sub(first).add(1).mul(group));
  const tiles = block.bind("tiles", count.add(sizes.queries - 1).floorDiv(sizes.queries));
  // A tile that is not full computes the last query several times and stores it once.
  const sourceOf = (inner: Block, i: PrimExpr) => {
    const listed = inner.bind("listed", i.min(count.sub(1)));
    const row = inner.bind("row", first.add(listed.floorDiv(group)));
    return { row, head: kvHead.mul(group).add(listed.floorMod(group)) };
  };
  block.serial("i", tiles.mul(sizes.queries), (inner, i) => {
    const { row, head } = sourceOf(inner, i);
    // Rows lie far apart: no processor foresees the next one.
    for (let d = 0; d < headDim; d += LINE_ELEMENTS)
      inner.prefetch(buffers.qkv, row.add(1), head.mul(headDim).add(d));
    const source = { row, head, norm: buffers.norms?.query, scale: queryScale(options) };
    rotateHead(inner, options, buffers, source, new Strip(memory.vectors, i.mul(headDim)));
    clearSums(inner, sumsOf(memory, headDim, i), headDim);
  });
  const firstPage = block.bind("sequence_page", buffers.pageIndptr.load(sequence).cast("int64"));
  const whole = options.bidirectional === true;
  const lastRow = whole ? buffers.qIndptr.load(sequence.add(1)).sub(1).cast("int64") : last;
  const position = block.bind("last_position", buffers.positions.load(lastRow).cast("int64"));
  const firstPosition = block.bind("first_position", buffers.positions.load(first).cast("int64"));
  const list = visibleChunks(block, options, firstPosition, position);
  block.serial("place", list.count, (inner, place) => {
    const chunk = inner.bind("chunk", list.at(place));
    const start = inner.bind("start", chunk.mul(CHUNK_KEYS));
    const keys = inner.bind("keys", position.add(1).sub(start).min(CHUNK_KEYS));
    const paged = pagedSource(options, buffers, { position, firstPage, kvHead }, chunk);
    convertChunk(inner, paged, keys, memory, headDim);
    inner.serial("tile", tiles, (tile, t) => {
      const queries = Array.from({ length: sizes.queries }, (_, q) => {
        const i = tile.bind("i", t.mul(sizes.queries).add(q));
        const { row } = sourceOf(tile, i);
        const own = () => tile.bind("position", buffers.positions.load(row).cast("int64"));
        return listedQuery(memory, headDim, i, q, whole ? position : own());
      });
      const lastSeen = queries.at(-1)?.position ?? position;
      const seen = tile.bind("seen", lastSeen.add(1).sub(start).min(CHUNK_KEYS));
      const source = convertedSource(memory, headDim, paged);
      attendChunk(tile, queries, source, { start, keys: seen, visibility: options }, sizes);
    });
  });
  block.serial("i", count, (inner, i) =>
    storeHead(inner, options, buffers, sumsOf(memory, headDim, i), sourceOf(inner, i)),
  );
}

function blockMemory(block: Block, options: AttentionOptions, { queries }: TileSizes): BlockMemory {
  const { heads, kvHeads, headDim } = options;
  const most = Math.ceil((blockRows(options) * heads) / kvHeads / queries) * queries;
  return {
    vectors: block.local("vectors", most * headDim),
    largest: block.local("largest", most),
    sums: block.local("sums", most * PAGE_SIZE),
    values: block.local("values", most * headDim),
    scores: block.local("scores", queries * CHUNK_KEYS),
    keys: block.local("keys", CHUNK_KEYS * headDim),
    chunkValues: block.local("chunk_values", CHUNK_KEYS * headDim),
  };
}

function sumsOf({ largest, sums, values }: BlockMemory, headDim: number, i: PrimExpr) {
  return {
    largest: new Strip(largest, i),
    sums: new Strip(sums, i.mul(PAGE_SIZE)),
    values: new Strip(values, i.mul(headDim)),
  };
}

/** Query `i` of the list as query `q` of its tile. */
function listedQuery(
  memory: BlockMemory,
  headDim: number,
  i: PrimExpr,
  q: number,
  position: PrimExpr,
): Query {
  return {
    ...sumsOf(memory, headDim, i),
    vector: new Strip(memory.vectors, i.mul(headDim)),
    scores: new Strip(memory.scores, q * CHUNK_KEYS),
    position,
  };
}

/** Statements that convert the first `keys` keys of a chunk, by whole pages, and their values. */
function convertChunk(
  block: Block,
  paged: ChunkSource,
  keys: PrimExpr,
  memory: BlockMemory,
  headDim: number,
): void {
  const lanes = lanesFor(headDim);
  block.serial("t", keys.add(PAGE_SIZE - 1).floorDiv(PAGE_SIZE), (inner, t) => {
    const key = paged.keyPage(inner, t);
    inner.serial("pair", headDim / 2, (column, pair) => {
      for (const odd of [0, 1])
        column.store(memory.keys, key(column, pair, odd), keyPlace(headDim, t, pair, odd));
    });
    const value = paged.valuePage(inner, t);
    inner.serial("slot", keys.sub(t.mul(PAGE_SIZE)).min(PAGE_SIZE), (row, slot) => {
      for (let at = 0; at < headDim; at += lanes)
        row.store(
          memory.chunkValues,
          value(row, lanes, slot, at),
          t.mul(PAGE_SIZE).add(slot).mul(headDim).add(at),
        );
    });
  });
}

/** Index of element `2 * pair + odd` of a page's keys in a converted chunk. */
function keyPlace(headDim: number, page: PrimExpr, pair: PrimExpr, odd: number): PrimExpr {
  return page.mul(headDim).add(pair.mul(2)).add(odd).mul(PAGE_SIZE);
}

/** The chunk in a task's memory; its scales are read where they are. */
function convertedSource(
  { keys, chunkValues }: BlockMemory,
  headDim: number,
  { scales }: ChunkSource,
): ChunkSource {
  return {
    ...(scales === undefined ? {} : { scales }),
    keyPage: (_, page) => (__, pair, odd) => keys.loadVector(PAGE_SIZE, keyPlace(headDim, page, pair, odd)),
    valuePage: (_, page) => (__, lanes, slot, at) =>
      chunkValues.loadVector(lanes, page.mul(PAGE_SIZE).add(slot).mul(headDim).add(at)),
  };
}
