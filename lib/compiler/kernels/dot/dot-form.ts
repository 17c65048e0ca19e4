/**
 * Sums of products of 8-bit integers, as processors offer them: int32 lanes, each adding the products of 4 consecutive weight codes
 * with 4 consecutive activation codes (-127 to 127). Integer sums are exact, so all forms give the same results.
 */
import type { PrimExpr } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";

/** Weight codes: 0 to 15 in a byte, 0 to 63, or -128 to 127. */
export type CodeKind = "unsigned4" | "unsigned6" | "signed8";

/** A vector of codes as `prepare` made it, and a running sum: their meaning belongs to the form. */
export type Prepared = readonly PrimExpr[];
export type RunningSum = readonly PrimExpr[];

/** One way to multiply: the sums of a group of 32 columns for `lanes` weight rows. */
export interface DotForm {
  /** int32 lanes (weight rows) of one vector. */
  readonly lanes: 16 | 8 | 4;
  /** Activation words loaded together: more than 1 where a product takes one lane of a vector register. */
  readonly wordsLoaded: 1 | 4;
  /** What `prepare` adds to codes of a kind; the caller takes it away with the zero point. */
  offset(kind: CodeKind): number;
  /** Readies a vector of 4 codes a lane, uint8x(4 * lanes), once for all activations it meets. */
  prepare(block: Block, codes: PrimExpr, kind: CodeKind): Prepared;
  /** Begins the sums; `seed`, an int32, is added here or at the end, as suits the form. */
  start(seed: PrimExpr): RunningSum;
  /** Adds the products with `x`, 4 activation codes as one int32. */
  add(block: Block, sum: RunningSum, codes: Prepared, x: PrimExpr, kind: CodeKind): RunningSum;
  /** The sums and the seed, int32xlanes. */
  finish(block: Block, sum: RunningSum, seed: PrimExpr): PrimExpr;
}

/** The vector of a form that keeps one; RangeError when there is none. */
export function firstVector(vectors: readonly PrimExpr[]): PrimExpr {
  const [first] = vectors;
  if (first === undefined) throw new RangeError("a vector is missing");
  return first;
}
