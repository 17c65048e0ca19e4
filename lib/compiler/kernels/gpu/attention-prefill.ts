/** Any number of rows of each sequence: tiles of neighbouring rows share the keys that they read. */
import { float, int, type PrimExpr, select } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";
import type { AttentionBuffers, AttentionOptions } from "../attention-options.js";
import { visibleChunks } from "../attention-visibility.js";
import type { GpuTraits } from "../kernel-target.js";
import { attendChunks, closeTile, openTile, TILE_THREADS, tileRows } from "./attention-tile.js";
import { launch } from "./launch.js";
import { INDEX } from "./program.js";
import { firstPiece, type Pieces, pieceCount, sequenceOfPiece } from "./row-search.js";
import { exp2 } from "./scalar-math.js";

/** Statements of the prefill form; keys and values of the rows are in the pages. */
export function attendPrefill(
  body: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  gpu: GpuTraits,
): void {
  const { heads, kvHeads, headDim } = options;
  const { qIndptr, sequences, positions, pageIndptr, output, n, sinks } = buffers;
  const rows = tileRows(options);
  const group = heads / kvHeads;
  const pieces: Pieces = { indptr: qIndptr, size: rows, sequences };
  launch(
    body,
    [pieceCount(pieces, n), kvHeads],
    TILE_THREADS,
    (block, { block: [piece, kvHead], thread }) => {
      if (piece === undefined || kvHead === undefined) return;
      const sequence = sequenceOfPiece(block, pieces, piece);
      const begin = block.bind("begin", qIndptr.load(sequence));
      const end = block.bind("end", qIndptr.load(sequence.add(1)));
      const first = block.bind("first", piece.sub(firstPiece(pieces, sequence)).mul(rows).add(begin));
      // An empty piece attends to nothing, as some row that is there: drivers need not cope with barriers in a branch.
      const isThere = first.lt(end);
      const held = block.bind("held_row", select(isThere, first, int(0, INDEX)));
      const count = block.bind("count", select(isThere, end.sub(first).min(rows), int(1, INDEX)));
      const positionOf = (row: PrimExpr) => positions.load(row);
      const lastRow =
        options.bidirectional === true ? select(isThere, end.sub(1), held) : held.add(count).sub(1);
      const lastKey = block.bind("last_key", positionOf(lastRow));
      const firstPage = block.bind("first_page", pageIndptr.load(sequence));
      const list = visibleChunks(block, options, block.bind("first_position", positionOf(held)), lastKey);
      const place = { thread, kvHead, first: held, rows, count, firstPage, lastKey };
      const state = openTile(block, options, buffers, place);
      const chunks = block.bind("chunks", select(isThere, list.count, int(0, INDEX)));
      attendChunks(block, options, buffers, gpu, place, state, { list, first: int(0, INDEX), end: chunks });
      closeTile(block, options, place, state, (each, query, element, value) => {
        const row = Math.floor(query / group);
        const head = kvHead.mul(group).add(query % group);
        each.if(end.gt(first.add(row)), (there) => {
          const sink =
            sinks === undefined
              ? float(0)
              : exp2(sinks.load(head).mul(Math.LOG2E).sub(state.largest.load(query)));
          const sum = state.sums.load(query).add(sink);
          there.store(output, value.div(sum), first.add(row), head.mul(headDim).add(element));
        });
      });
    },
  );
}
