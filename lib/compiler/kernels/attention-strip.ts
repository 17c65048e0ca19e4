import type { Buffer } from "../ir/buffer.js";
import { type ExprLike, int, type PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";

/** Consecutive elements of a buffer of one dimension: one query's part of a tile's memory. */
export class Strip {
  readonly buffer: Buffer;
  readonly #start: PrimExpr;

  /** @param start index of the first element; default 0. */
  constructor(buffer: Buffer, start: ExprLike = 0) {
    this.buffer = buffer;
    this.#start = typeof start === "number" ? int(start) : start;
  }

  /** Elements `at` to `at + lanes - 1`. */
  load(lanes: number, at: ExprLike = 0): PrimExpr {
    return this.buffer.loadVector(lanes, this.#start.add(at));
  }

  /** Statement that writes as many elements as `value` has lanes, from element `at` on. */
  store(block: Block, value: ExprLike, at: ExprLike = 0): void {
    block.store(this.buffer, value, this.#start.add(at));
  }
}

/** A strip of its own memory; see Block.local for where it is. */
export function localStrip(block: Block, name: string, size: number): Strip {
  return new Strip(block.local(name, size));
}
