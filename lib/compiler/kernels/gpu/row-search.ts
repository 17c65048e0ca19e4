import type { Buffer } from "../../ir/buffer.js";
import { type PrimExpr, select } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";

/** Halvings: enough for 65,536 sequences. */
const STEPS = 16;

/**
 * Work cut into pieces of `size` within each sequence, numbered through: sequence s has the pieces from `indptr[s] / size + s` on (both
 * rounded down), which leaves room for an incomplete one each. So a launch needs no table of pieces, and no length is known on the host.
 */
export interface Pieces {
  /** int32[sequences + 1], where each sequence's elements begin. */
  readonly indptr: Buffer;
  readonly size: number;
  readonly sequences: PrimExpr;
}

/** The number of pieces to launch for `total` elements; some are empty. */
export function pieceCount(
  { size, sequences }: Pick<Pieces, "size" | "sequences">,
  total: PrimExpr,
): PrimExpr {
  return total.floorDiv(size).add(sequences);
}

/** Number of the first piece of a sequence. */
export function firstPiece({ indptr, size }: Pick<Pieces, "indptr" | "size">, sequence: PrimExpr): PrimExpr {
  return indptr.load(sequence).floorDiv(size).add(sequence);
}

/** The sequence that a piece belongs to, by bisection. */
export function sequenceOfPiece(block: Block, pieces: Pieces, piece: PrimExpr): PrimExpr {
  return lastAtMost(block, pieces.sequences, piece, (sequence) => firstPiece(pieces, sequence));
}

/** The sequence of a row of the step: the last that begins at or before it and is not empty. */
export function sequenceOfRow(block: Block, indptr: Buffer, sequences: PrimExpr, row: PrimExpr): PrimExpr {
  return lastAtMost(block, sequences, row, (sequence) => indptr.load(sequence));
}

/** The largest index below `count` whose value, which never falls, is at most `bound`; 0 where there is none. */
function lastAtMost(
  block: Block,
  count: PrimExpr,
  bound: PrimExpr,
  value: (index: PrimExpr) => PrimExpr,
): PrimExpr {
  const range = block.registers("range", 2, "int32");
  block.store(range, 0, 0);
  block.store(range, count, 1);
  block.serial("halving", STEPS, (inner) => {
    const low = inner.bind("low", range.load(0));
    const high = inner.bind("high", range.load(1));
    const middle = inner.bind("middle", low.add(high).floorDiv(2));
    const isBelow = inner.bind("is_below", value(middle).le(bound));
    inner.store(range, select(isBelow, middle, low), 0);
    // [low, low + 1) stays as it is: its middle is low.
    inner.store(range, select(isBelow, high, middle.max(low.add(1))), 1);
  });
  return block.bind("found", range.load(0));
}
