/**
 * Panels: the units into which the outputs of a matrix product are cut for the threads. A panel is two row blocks of one segment,
 * or (silu-mul) a block of the gate and its block of the up projection: two of each where outputs are stored in groups of 32.
 * A panel's blocks stand in the order in which their bytes lie in memory.
 */
import { int, type PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { BLOCK_ROWS } from "../quantization/format.js";
import { type LinearBuffers, PANEL_BLOCKS, type SegmentBuffers } from "./linear-options.js";

/** One row block of a panel. */
export interface PanelBlock {
  readonly segment: SegmentBuffers;
  /** Index of the row block within the segment. */
  readonly rowBlock: PrimExpr;
}

/** A kind of panel, as kernels write code for it: what is known at compile time. */
export interface Panel {
  readonly blocks: readonly PanelBlock[];
  /** With silu-mul: gates and their ups as indices of `blocks`, one pair for each 16 outputs. Otherwise empty. */
  readonly gates: readonly GatePair[];
  /** Valid outputs: 32 or 16, less where the segment's last row block is incomplete. */
  readonly valid: number;
  /** First output column. */
  readonly column: PrimExpr;
}

export interface GatePair {
  readonly gate: number;
  readonly up: number;
}

/** Number of panels of all segments. */
export function panelCount(buffers: LinearBuffers): number {
  const { segments, gated, outputs } = buffers;
  if (gated) return Math.ceil(outputs / (pairsOfPanel(buffers) * BLOCK_ROWS));
  return segments.reduce((sum, { blocks }) => sum + Math.ceil(blocks / PANEL_BLOCKS), 0);
}

/** Branches on the panel's index and calls `write` once for each kind of panel. */
export function forPanel(
  block: Block,
  buffers: LinearBuffers,
  index: PrimExpr,
  write: (block: Block, panel: Panel) => void,
): void {
  const kinds = buffers.gated ? gatedKinds(buffers) : segmentKinds(buffers);
  const branch = (inner: Block, from: number): void => {
    const kind = kinds[from];
    if (kind === undefined) return;
    const body = (inside: Block) => write(inside, kind.panel(index.sub(kind.start)));
    if (from === kinds.length - 1) body(inner);
    else inner.if(index.lt(kind.start + kind.count), body, (otherwise) => branch(otherwise, from + 1));
  };
  branch(block, 0);
}

/** `count` consecutive panels from panel `start` on that run the same code. */
interface PanelKind {
  readonly start: number;
  readonly count: number;
  readonly panel: (index: PrimExpr) => Panel;
}

function segmentKinds({ segments }: LinearBuffers): PanelKind[] {
  const kinds: PanelKind[] = [];
  let start = 0;
  for (const segment of segments) {
    const pairs = Math.floor(segment.rows / (PANEL_BLOCKS * BLOCK_ROWS));
    const full = (index: PrimExpr): Panel => ({
      blocks: [0, 1].map((next) => ({ segment, rowBlock: index.mul(PANEL_BLOCKS).add(next) })),
      gates: [],
      valid: PANEL_BLOCKS * BLOCK_ROWS,
      column: index.mul(PANEL_BLOCKS * BLOCK_ROWS).add(segment.offset),
    });
    if (pairs > 0) kinds.push({ start, count: pairs, panel: full });
    start += pairs;
    const valid = segment.rows - pairs * PANEL_BLOCKS * BLOCK_ROWS;
    if (valid === 0) continue;
    const last = Array.from({ length: Math.ceil(valid / BLOCK_ROWS) }, (_, next) => ({
      segment,
      rowBlock: int(pairs * PANEL_BLOCKS + next),
    }));
    const column = int(segment.offset + pairs * PANEL_BLOCKS * BLOCK_ROWS);
    kinds.push({ start, count: 1, panel: () => ({ blocks: last, gates: [], valid, column }) });
    start += 1;
  }
  return kinds;
}

/** Blocks of gates in a panel, and as many of ups. */
function pairsOfPanel({ output }: LinearBuffers): number {
  return output.dtype === "int32" ? PANEL_BLOCKS : 1;
}

function gatedKinds(buffers: LinearBuffers): PanelKind[] {
  const pairs = pairsOfPanel(buffers);
  const rows = pairs * BLOCK_ROWS;
  const full = Math.floor(buffers.outputs / rows);
  const panel =
    (valid: number) =>
    (index: PrimExpr): Panel => ({
      ...gatedPanelBlocks(buffers, index.mul(pairs), pairs),
      valid,
      column: index.mul(rows),
    });
  const kinds: PanelKind[] = [];
  if (full > 0) kinds.push({ start: 0, count: full, panel: panel(rows) });
  const valid = buffers.outputs - full * rows;
  if (valid > 0) kinds.push({ start: full, count: 1, panel: (index) => panel(valid)(index.add(full)) });
  return kinds;
}

/** The blocks of `pairs` gates from block `first` on and of their ups. */
function gatedPanelBlocks(
  { segments }: LinearBuffers,
  first: PrimExpr,
  pairs: number,
): Pick<Panel, "blocks" | "gates"> {
  const perSegment = (2 * pairs) / segments.length;
  const blocks = segments.flatMap((segment) =>
    Array.from({ length: perSegment }, (_, next) => ({
      segment,
      rowBlock: first.mul(perSegment / pairs).add(next),
    })),
  );
  const alternate = segments.length === 1;
  const gates = Array.from({ length: pairs }, (_, pair) =>
    alternate ? { gate: 2 * pair, up: 2 * pair + 1 } : { gate: pair, up: pairs + pair },
  );
  return { blocks, gates };
}
