/** Panels: the row blocks of a matrix product that the threads of a block compute together. */
import type { Buffer } from "../../ir/buffer.js";
import type { PrimExpr } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";
import { BLOCK_ROWS } from "../../quantization/format.js";
import type { LinearBuffers, SegmentBuffers } from "../linear-options.js";

/** One row block. */
export interface PanelBlock {
  readonly segment: SegmentBuffers;
  readonly rowBlock: PrimExpr;
}

/** 16 outputs of a panel: of one of its row blocks, or `silu(gate) * up` of two. */
export interface PanelResult {
  /** Index in `blocks` of what is stored, or of the gate. */
  readonly block: number;
  /** With a gate: index of the up projection. */
  readonly up: number | undefined;
  readonly bias: Buffer | undefined;
  /** First output column, and its row in the segment. */
  readonly column: PrimExpr;
  readonly row: PrimExpr;
  /** Rows of the segment: those of an incomplete last row block, and of row blocks beyond, are not stored. */
  readonly rows: number;
}

export interface RowPanel {
  readonly blocks: readonly PanelBlock[];
  readonly results: readonly PanelResult[];
}

/** Number of panels of `size` row blocks (of gated products an even number) of all segments. */
export function panelCount({ segments, gated, outputs }: LinearBuffers, size: number): number {
  if (gated) return Math.ceil(outputs / BLOCK_ROWS / (size / 2));
  return segments.reduce((sum, { blocks }) => sum + Math.ceil(blocks / size), 0);
}

/** Branches on the panel's index and calls `write` once for each kind of panel: one a segment. */
export function forPanel(
  block: Block,
  buffers: LinearBuffers,
  size: number,
  index: PrimExpr,
  write: (block: Block, panel: RowPanel) => void,
): void {
  if (buffers.gated) {
    write(block, gatedPanel(buffers, size, index));
    return;
  }
  const branch = (inner: Block, [segment, ...others]: readonly SegmentBuffers[], start: number): void => {
    if (segment === undefined) return;
    const end = start + Math.ceil(segment.blocks / size);
    const body = (inside: Block) => write(inside, segmentPanel(segment, size, index.sub(start)));
    if (others.length === 0) body(inner);
    else inner.if(index.lt(end), body, (otherwise) => branch(otherwise, others, end));
  };
  branch(block, buffers.segments, 0);
}

function segmentPanel(segment: SegmentBuffers, size: number, index: PrimExpr): RowPanel {
  const { blocks: count, bias, offset, rows } = segment;
  const numbers = Array.from({ length: size }, (_, next) => index.mul(size).add(next));
  return {
    // Beyond the segment the last one again.
    blocks: numbers.map((number) => ({ segment, rowBlock: number.min(count - 1) })),
    results: numbers.map((number, block) => {
      const row = number.mul(BLOCK_ROWS);
      return { block, up: undefined, bias, column: row.add(offset), row, rows };
    }),
  };
}

/** Gates and ups: row blocks of two weights, or of one in which they take turns. */
function gatedPanel({ segments, outputs }: LinearBuffers, size: number, index: PrimExpr): RowPanel {
  const [first, second] = segments;
  if (first === undefined) return { blocks: [], results: [] };
  const pairs = Array.from({ length: size / 2 }, (_, next) => index.mul(size / 2).add(next));
  const last = Math.ceil(outputs / BLOCK_ROWS) - 1;
  return {
    blocks: pairs.flatMap((pair) => {
      const held = pair.min(last);
      return second === undefined
        ? [0, 1].map((which) => ({ segment: first, rowBlock: held.mul(2).add(which) }))
        : [first, second].map((segment) => ({ segment, rowBlock: held }));
    }),
    results: pairs.map((pair, next) => {
      const row = pair.mul(BLOCK_ROWS);
      return { block: 2 * next, up: 2 * next + 1, bias: undefined, column: row, row, rows: outputs };
    }),
  };
}
