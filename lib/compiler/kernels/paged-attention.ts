import type { FfiObject } from "../../ffi/index.js";
import { int, type PrimExpr, select } from "../ir/prim-expr.js";
import { primFunc } from "../ir/prim-func.js";
import type { Block } from "../ir/statement.js";
import { appendRow } from "./attention-append.js";
import { type AttentionBuffers, type AttentionOptions, attentionBuffers } from "./attention-options.js";
import { attentionTile, type Query } from "./attention-tile.js";

/**
 * Causal attention over the paged KV cache, with the append in front. One PrimFunc serves all layers.
 *
 * Parameters: qkv float32[n, (heads + 2 kvHeads) * headDim], changed in place; rope float32[n, headDim] (see ropeTable); with
 * qkNorm q_norm and k_norm float32[headDim]; q_indptr int32[b+1]; positions int32[n]; page_indptr int32[b+1]; page_indices
 * int32[p]; kv_pages kvDtype[num_pages, layers, 2, kvHeads, 16 * headDim], changed in place; layer int64; output
 * float32[n, heads * headDim].
 *
 * Rows of sequence s are q_indptr[s] to q_indptr[s+1]-1, in ascending positions; row r sees keys 0 to positions[r] of its
 * sequence, whose page list is page_indices[page_indptr[s] ... page_indptr[s+1]]. All rows are rotated and appended before any
 * attends. Keys lie transposed in a page, [headDim][16], values as [16][headDim]. Scores are scaled by headDim^-0.5. A row's
 * result has the same bits in both forms and beside any other rows.
 */
export function pagedAttention(options: AttentionOptions): FfiObject {
  const buffers = attentionBuffers(options);
  const { kvHeads, form } = options;
  return primFunc(buffers.parameters, (body) => {
    const append = (row: Block, i: PrimExpr) => appendRow(row, options, buffers, i);
    // Waking the threads for one row costs more than the row.
    body.if(
      buffers.n.eq(1),
      (one) => one.serial("i", 1, append),
      (many) => many.parallel("i", buffers.n, append),
    );
    if (form === "decode") {
      body.parallel("item", buffers.n.mul(kvHeads), (block, item) => {
        const row = block.bind("row", item.floorDiv(kvHeads));
        const kvHead = block.bind("kv_head", item.floorMod(kvHeads));
        attendRow(block, options, buffers, { row, sequence: row, kvHead });
      });
    } else {
      attendSequences(body, options, buffers);
    }
  });
}

/** Query vectors of a tile, and sums a tile keeps in registers. */
function tileSizes({ vectorBits = 512 }: AttentionOptions): { queries: number; registerTile: number } {
  return vectorBits >= 512 ? { queries: 8, registerTile: 16 } : { queries: 4, registerTile: 6 };
}

/** One row of a sequence: the query heads that share a KV head form the tile. */
function attendRow(
  block: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  at: { readonly row: PrimExpr; readonly sequence: PrimExpr; readonly kvHead: PrimExpr },
): void {
  const { heads, kvHeads, headDim } = options;
  const { queries, registerTile } = tileSizes(options);
  const group = heads / kvHeads;
  const { row, sequence, kvHead } = at;
  const position = block.bind("position", buffers.positions.load(row).cast("int64"));
  const firstPage = block.bind("sequence_page", buffers.pageIndptr.load(sequence).cast("int64"));
  for (let first = 0; first < group; first += queries) {
    const count = Math.min(queries, group - first);
    const tile = Array.from({ length: count }, (_, q): Query => {
      const head = kvHead.mul(group).add(first + q);
      return { row, column: block.bind("column", head.mul(headDim)), position };
    });
    attentionTile(block, { buffers, headDim, kvHead, firstPage, lastPosition: position, registerTile }, tile);
  }
}

/**
 * Any rows: a sequence's rows are cut into blocks of as many as a tile holds; a thread's unit of work is one block with one KV
 * head. Early blocks of a sequence see few keys and late ones many, so they are dealt out from both ends.
 */
function attendSequences(body: Block, options: AttentionOptions, buffers: AttentionBuffers): void {
  const { n, sequences } = buffers;
  const { queries } = tileSizes(options);
  const mostBlocks = n.floorDiv(queries).add(sequences);
  body.parallel("item", mostBlocks.mul(options.kvHeads), (block, item) => {
    const kvHead = block.bind("kv_head", item.floorDiv(mostBlocks));
    const order = block.bind("order", item.floorMod(mostBlocks));
    const half = order.floorDiv(2);
    const rowBlock = select(order.floorMod(2).eq(0), half, mostBlocks.sub(1).sub(half));
    const { sequence, first, last } = findRows(block, buffers, block.bind("row_block", rowBlock), queries);
    block.if(first.eq(last), (single) =>
      attendRow(single, options, buffers, { row: first, sequence, kvHead }),
    );
    block.if(first.lt(last), (many) => attendRows(many, options, buffers, { sequence, first, last, kvHead }));
  });
}

/** The sequence and the rows `first` to `last` of row block `index`; last < first where there is no such block. */
function findRows(block: Block, { sequences, qIndptr }: AttentionBuffers, index: PrimExpr, size: number) {
  // Row blocks before the sequence; sequence, first and last row.
  const found = block.local("found", 4, "int64");
  [0, 0, 0, -1].forEach((value, at) => {
    block.store(found, int(value), at);
  });
  block.serial("s", sequences, (inner, s) => {
    const start = inner.bind("start", qIndptr.load(s).cast("int64"));
    const end = inner.bind("end", qIndptr.load(s.add(1)).cast("int64"));
    const before = inner.bind("before", found.load(0));
    const after = inner.bind(
      "after",
      before.add(
        end
          .sub(start)
          .add(size - 1)
          .floorDiv(size),
      ),
    );
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

/** Several rows of a sequence: consecutive rows form the tile, one query head after the other. */
function attendRows(
  block: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  at: {
    readonly sequence: PrimExpr;
    readonly first: PrimExpr;
    readonly last: PrimExpr;
    readonly kvHead: PrimExpr;
  },
): void {
  const { heads, kvHeads, headDim } = options;
  const { queries, registerTile } = tileSizes(options);
  const { sequence, first, last, kvHead } = at;
  const firstPage = block.bind("sequence_page", buffers.pageIndptr.load(sequence).cast("int64"));
  const lastPosition = block.bind("last_position", buffers.positions.load(last).cast("int64"));
  // A tile that is not full computes its last row several times and stores it once.
  const rows = Array.from({ length: queries }, (_, q) => {
    const row = block.bind("row", first.add(q).min(last));
    const position = block.bind("position", buffers.positions.load(row).cast("int64"));
    return { row, position, wanted: first.add(q).le(last) };
  });
  const group = heads / kvHeads;
  block.serial("group", group, (inner, index) => {
    const column = inner.bind("column", kvHead.mul(group).add(index).mul(headDim));
    const tile = rows.map((row): Query => ({ ...row, column }));
    attentionTile(inner, { buffers, headDim, kvHead, firstPage, lastPosition, registerTile }, tile);
  });
}
