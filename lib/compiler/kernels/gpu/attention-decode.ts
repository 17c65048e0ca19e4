/** One row of each sequence: the chunks of its keys are attended to side by side and merged (Flash-Decoding). */
import type { Buffer } from "../../ir/buffer.js";
import { float, int, type PrimExpr, select } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";
import type { AttentionBuffers, AttentionOptions } from "../attention-options.js";
import { CHUNK_PAGES, MASKED, visibleChunks } from "../attention-visibility.js";
import type { GpuTraits } from "../kernel-target.js";
import { attendChunks, closeTile, openTile, TILE_THREADS } from "./attention-tile.js";
import { launch, strided, threadsFor } from "./launch.js";
import { INDEX } from "./program.js";
import { firstPiece, type Pieces, pieceCount, sequenceOfPiece } from "./row-search.js";
import { exp2 } from "./scalar-math.js";

/** Statements of the decode form; keys and values of the rows are in the pages. */
export function attendDecode(
  body: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  gpu: GpuTraits,
): void {
  const { heads, headDim } = options;
  const pieces: Pieces = { indptr: buffers.pageIndptr, size: CHUNK_PAGES, sequences: buffers.n };
  const [pageCount] = buffers.pageIndices.shape;
  if (pageCount === undefined) return;
  const count = pieceCount(pieces, pageCount);
  // Of each chunk and head: summed values, the largest score, the sum of exponentials.
  const partials = body.local("partials", count.mul(heads * (headDim + 2)));
  attendPieces(body, options, buffers, gpu, { pieces, count, partials });
  mergePieces(body, options, buffers, gpu, { pieces, partials });
}

interface Division {
  readonly pieces: Pieces;
  readonly partials: Buffer;
}

function attendPieces(
  body: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  gpu: GpuTraits,
  { pieces, count, partials }: Division & { readonly count: PrimExpr },
): void {
  const { heads, kvHeads, headDim } = options;
  const group = heads / kvHeads;
  launch(body, [count, kvHeads], TILE_THREADS, (block, { block: [piece, kvHead], thread }) => {
    if (piece === undefined || kvHead === undefined) return;
    const row = sequenceOfPiece(block, pieces, piece);
    const position = block.bind("position", buffers.positions.load(row));
    const list = visibleChunks(block, options, position, position);
    const at = block.bind("place", piece.sub(firstPiece(pieces, row)));
    const firstPage = block.bind("first_page", buffers.pageIndptr.load(row));
    const place = { thread, kvHead, first: row, rows: 1, count: int(1, INDEX), firstPage, lastKey: position };
    const state = openTile(block, options, buffers, place);
    // An empty piece attends to nothing: drivers need not cope with barriers in a branch.
    const end = block.bind("end", select(at.lt(list.count), at.add(1), at));
    attendChunks(block, options, buffers, gpu, place, state, { list, first: at, end });
    const start = (query: number) =>
      piece
        .mul(heads)
        .add(kvHead.mul(group))
        .add(query)
        .mul(headDim + 2);
    closeTile(block, options, place, state, (each, query, element, value) =>
      each.store(partials, value, start(query).add(element)),
    );
    block.if(thread.eq(0), (each) => {
      for (let query = 0; query < group; query++) {
        each.store(partials, state.largest.load(query), start(query).add(headDim));
        each.store(partials, state.sums.load(query), start(query).add(headDim + 1));
      }
    });
  });
}

function mergePieces(
  body: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  gpu: GpuTraits,
  { pieces, partials }: Division,
): void {
  const { heads, headDim } = options;
  const { n, positions, output, sinks } = buffers;
  const threads = threadsFor(headDim, gpu.maxThreads);
  launch(body, [n, heads], threads, (block, { block: [row, head], thread }) => {
    if (row === undefined || head === undefined) return;
    const position = block.bind("position", positions.load(row));
    const { count } = visibleChunks(block, options, position, position);
    const first = block.bind("first_piece", firstPiece(pieces, row));
    const start = (place: PrimExpr) =>
      first
        .add(place)
        .mul(heads)
        .add(head)
        .mul(headDim + 2);
    const largest = block.registers("largest", 1);
    block.store(largest, float(MASKED), 0);
    block.serial("place", count, (inner, place) =>
      inner.store(largest, largest.load(0).max(partials.load(start(place).add(headDim))), 0),
    );
    if (sinks !== undefined) block.store(largest, largest.load(0).max(sinks.load(head).mul(Math.LOG2E)), 0);
    strided(block, headDim, threads, thread, (inner, element) => {
      const sums = inner.registers("merged", 2);
      inner.store(sums, 0, 0);
      const sink =
        sinks === undefined ? float(0) : exp2(sinks.load(head).mul(Math.LOG2E).sub(largest.load(0)));
      inner.store(sums, sink, 1);
      inner.serial("place", count, (each, place) => {
        const at = each.bind("at", start(place));
        const factor = each.bind("factor", exp2(partials.load(at.add(headDim)).sub(largest.load(0))));
        each.store(sums, sums.load(0).add(partials.load(at.add(element)).mul(factor)), 0);
        each.store(sums, sums.load(1).add(partials.load(at.add(headDim + 1)).mul(factor)), 1);
      });
      inner.store(output, sums.load(0).div(sums.load(1)), row, head.mul(headDim).add(element));
    });
  });
}
