/**
 * Attention of a decode step, one row of each sequence. A task is one KV head of one row: rotation, append and attention. Where
 * these are few, the chunks of a long context are tasks of their own and their sums are merged at the end, in order.
 */
import { int, type PrimExpr, select } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { appendHead } from "./attention-append.js";
import { clearSums, mergeChunk, type Sums } from "./attention-chunk.js";
import { type AttentionBuffers, type AttentionOptions, PAGE_SIZE } from "./attention-options.js";
import { storeHead } from "./attention-output.js";
import { attendRow } from "./attention-row.js";
import { localStrip, Strip } from "./attention-strip.js";
import { CHUNK_PAGES, type ChunkList, visibleChunks } from "./attention-visibility.js";
import { lanesFor } from "./lanes.js";

/** Rows x KV heads from which on the threads find enough to do without dividing contexts. */
const ENOUGH_TASKS = 32;

/** How the step is divided. */
interface Division {
  /** Most tasks of one row and KV head; 1 where contexts are not divided. */
  readonly parts: PrimExpr;
  /** The sums of the chunk in one place of a row's list, for one query head. */
  partial(row: PrimExpr, place: PrimExpr, head: PrimExpr): Sums;
}

/** Statements of the whole step. */
export function attendDecode(body: Block, options: AttentionOptions, buffers: AttentionBuffers): void {
  const { kvHeads } = options;
  const division = divide(body, options, buffers);
  const { parts } = division;
  body.parallel("task", buffers.n.mul(kvHeads).mul(parts), (block, task) => {
    const index = block.bind("row_head", task.floorDiv(parts));
    const row = block.bind("row", index.floorDiv(kvHeads));
    const kvHead = block.bind("kv_head", index.floorMod(kvHeads));
    const part = block.bind("part", task.floorMod(parts));
    const position = block.bind("position", buffers.positions.load(row).cast("int64"));
    // The last part takes what is left over beside its chunk: a short chunk alone would leave a thread idle.
    const list = visibleChunks(block, options, position, position);
    const ownParts = block.bind("own_parts", list.whole.min(parts));
    block.if(part.lt(ownParts), (inner) =>
      attendPart(inner, options, buffers, division, { row, kvHead, position, list, part, ownParts }),
    );
  });
  body.if(parts.gt(1), (block) => mergeRows(block, options, buffers, division));
}

/** Statements that decide on the division and make room for the sums of chunks. */
function divide(body: Block, options: AttentionOptions, buffers: AttentionBuffers): Division {
  const { heads, kvHeads, headDim } = options;
  const { n, positions, pageIndptr, pageIndices } = buffers;
  const longest = body.local("longest", 1, "int64");
  body.store(longest, int(0), 0);
  body.serial("row", n, (block, row) =>
    block.store(longest, longest.load(0).max(positions.load(row).cast("int64")), 0),
  );
  const few = n.mul(kvHeads).lt(ENOUGH_TASKS);
  // The parts of a row are its whole chunks, up to as many as the longest context has.
  const { whole } = visibleChunks(body, options, longest.load(0), longest.load(0));
  const parts = body.bind("parts", select(few, whole, int(1)));
  // Of a query: its values, its sums by lane, its largest score.
  const stride = headDim + 2 * PAGE_SIZE;
  const pageCount = pageIndices.shape[0] as PrimExpr;
  const chunks = pageCount.floorDiv(CHUNK_PAGES).add(n).add(1);
  const partials = body.local("partials", select(few, chunks.mul(heads * stride), int(1)));
  const partial = (row: PrimExpr, place: PrimExpr, head: PrimExpr): Sums => {
    // Pages before the row's first and one chunk more a row are at least as many as the chunks before.
    const before = pageIndptr.load(row).cast("int64").floorDiv(CHUNK_PAGES).add(row);
    const start = before.add(place).mul(heads).add(head).mul(stride);
    return {
      values: new Strip(partials, start),
      sums: new Strip(partials, start.add(headDim)),
      largest: new Strip(partials, start.add(headDim + PAGE_SIZE)),
    };
  };
  return { parts, partial };
}

/** One task: the last part of a row appends its key and value, which no other part reads. */
function attendPart(
  block: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  { parts, partial }: Division,
  at: {
    readonly row: PrimExpr;
    readonly kvHead: PrimExpr;
    readonly position: PrimExpr;
    readonly list: ChunkList;
    readonly part: PrimExpr;
    readonly ownParts: PrimExpr;
  },
): void {
  const { row, kvHead, position, list, part, ownParts } = at;
  const firstPage = block.bind("sequence_page", buffers.pageIndptr.load(row).cast("int64"));
  const cached = { row, position, firstPage };
  const isLast = part.eq(ownParts.sub(1));
  block.if(isLast, (last) => appendHead(last, options, buffers, cached, kvHead));
  const chunks = {
    list,
    first: part,
    end: block.bind("end", select(isLast, list.count, part.add(1))),
  };
  attendRow(
    block,
    options,
    buffers,
    { ...cached, kvHead },
    {
      ...chunks,
      afterChunk: (inner, query, place) =>
        inner.if(parts.gt(1), (apart) => {
          copySums(apart, query, partial(row, place, query.head), options.headDim);
          clearSums(apart, query, options.headDim);
        }),
      afterLast: (inner, query) =>
        inner.if(parts.eq(1), (whole) => storeHead(whole, options, buffers, query, query)),
    },
  );
}

function copySums(block: Block, from: Sums, to: Sums, headDim: number): void {
  to.largest.store(block, from.largest.load(1));
  to.sums.store(block, from.sums.load(PAGE_SIZE));
  const lanes = lanesFor(headDim);
  block.serial("d", headDim / lanes, (inner, j) =>
    to.values.store(inner, from.values.load(lanes, j.mul(lanes)), j.mul(lanes)),
  );
}

/** Statements that merge the chunks of every query in order and store the results. */
function mergeRows(
  block: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  { partial }: Division,
): void {
  const { heads, headDim } = options;
  block.serial("row", buffers.n, (rows, row) => {
    const position = rows.bind("position", buffers.positions.load(row).cast("int64"));
    const chunks = rows.bind("row_chunks", visibleChunks(rows, options, position, position).count);
    rows.serial("head", heads, (inner, head) => {
      const sums: Sums = {
        largest: localStrip(inner, "largest", 1),
        sums: localStrip(inner, "sums", PAGE_SIZE),
        values: localStrip(inner, "values", headDim),
      };
      clearSums(inner, sums, headDim);
      inner.serial("place", chunks, (each, place) =>
        mergeChunk(each, sums, partial(row, place, head), headDim),
      );
      storeHead(inner, options, buffers, sums, { row, head });
    });
  });
}
