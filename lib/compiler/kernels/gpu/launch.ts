/** Launches: a kernel's grid of blocks of threads. */
import type { ExprLike, PrimExpr } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";

/** Where a thread is. */
export interface ThreadPlace {
  /** The block, one index for each size of the grid. */
  readonly block: readonly PrimExpr[];
  readonly thread: PrimExpr;
}

const GRID_TAGS = ["blockIdx.x", "blockIdx.y", "blockIdx.z"] as const;

/** Statements that every thread of a grid runs: at most three sizes, `threads` a block. A tensor program may launch several grids in a row. */
export function launch(
  body: Block,
  grid: readonly ExprLike[],
  threads: number,
  fill: (block: Block, place: ThreadPlace) => void,
): void {
  const enter = (outer: Block, at: readonly PrimExpr[]): void => {
    const tag = GRID_TAGS[at.length];
    const size = grid[at.length];
    if (tag !== undefined && size !== undefined)
      outer.threads(tag, size, (inner, index) => enter(inner, [...at, index]));
    else outer.threads("threadIdx.x", threads, (inner, thread) => fill(inner, { block: at, thread }));
  };
  enter(body, []);
}

/** Statements for the elements 0 to `count` - 1 that a thread takes of `threads`, one after the other. */
export function strided(
  block: Block,
  count: number,
  threads: number,
  thread: PrimExpr,
  use: (block: Block, index: PrimExpr) => void,
): void {
  const whole = Math.floor(count / threads);
  if (whole === 1) use(block, thread);
  else if (whole > 1) block.serial("step", whole, (inner, step) => use(inner, step.mul(threads).add(thread)));
  const rest = count - whole * threads;
  if (rest > 0) block.if(thread.lt(rest), (inner) => use(inner, thread.add(whole * threads)));
}

/** The power of two that is at least `count`, between 32 and `most`. */
export function threadsFor(count: number, most: number): number {
  let threads = 32;
  while (threads < count && threads < most) threads *= 2;
  return threads;
}
