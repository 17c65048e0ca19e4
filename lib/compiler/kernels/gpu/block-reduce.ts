import type { Buffer } from "../../ir/buffer.js";
import type { PrimExpr } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";
import { strided } from "./launch.js";

/** The threads of a block, and which of them this is. */
export interface Team {
  /** A power of two. */
  readonly threads: number;
  readonly thread: PrimExpr;
}

/**
 * Combines a float32 of every thread of a block, in a tree; every thread gets the result. All threads must come here.
 * @param scratch shared memory, an element a thread, which nobody else uses until all threads have met again.
 */
export function blockReduce(
  block: Block,
  value: PrimExpr,
  { threads, thread }: Team,
  scratch: Buffer,
  combine: (a: PrimExpr, b: PrimExpr) => PrimExpr,
): PrimExpr {
  block.store(scratch, value, thread);
  for (let half = threads / 2; half >= 1; half /= 2) {
    block.synchronize();
    block.if(thread.lt(half), (inner) =>
      inner.store(scratch, combine(scratch.load(thread), scratch.load(thread.add(half))), thread),
    );
  }
  block.synchronize();
  return block.bind("reduced", scratch.load(0));
}

/** The sum of the squares of `columns` values, known to every thread. As `blockReduce`. */
export function squareSum(
  block: Block,
  columns: number,
  team: Team,
  scratch: Buffer,
  load: (at: PrimExpr) => PrimExpr,
): PrimExpr {
  const own = block.registers("squares", 1);
  block.store(own, 0, 0);
  strided(block, columns, team.threads, team.thread, (inner, at) => {
    const value = inner.bind("value", load(at));
    inner.store(own, own.load(0).add(value.mul(value)), 0);
  });
  return blockReduce(block, own.load(0), team, scratch, (a, b) => a.add(b));
}
