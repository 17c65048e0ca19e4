/**
 * The Hadamard transform of queries and keys, before keys are rounded to 8 bits. Some models' keys have a few channels a hundred
 * times larger than the others (Qwen 2.5); their scale would leave the others no bits. The transform spreads each channel over
 * all of them and, applied to both, changes no score: (H q) · (H k) = size * q · k. QuaRot (arXiv 2404.00456) rotates keys so;
 * llama.cpp does for its quantised caches.
 */
import { type PrimExpr, select } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { bitAnd, laneIndices, permuteLanes } from "../ir/vector.js";
import type { Strip } from "./attention-strip.js";
import { lanesFor } from "./lanes.js";

/** Elements that are transformed together: the largest power of two that divides the head size. */
export function spreadSize(headDim: number): number {
  let size = 1;
  while (headDim % (2 * size) === 0) size *= 2;
  return size;
}

/** Statements that transform a head in place, by the sums and differences of the fast transform, not divided by anything. */
export function spreadHead(block: Block, head: Strip, headDim: number): void {
  const lanes = lanesFor(headDim);
  block.serial("d", headDim / lanes, (inner, j) => {
    const at = j.mul(lanes);
    head.store(inner, spreadLanes(inner, head.load(lanes, at)), at);
  });
  for (let stride = 1; stride * lanes < spreadSize(headDim); stride *= 2) {
    block.serial("pair", headDim / lanes / 2, (inner, pair) => {
      const first = pair
        .floorDiv(stride)
        .mul(2 * stride)
        .add(pair.floorMod(stride))
        .mul(lanes);
      const second = first.add(stride * lanes);
      const a = inner.bind("a", head.load(lanes, first));
      const b = inner.bind("b", head.load(lanes, second));
      head.store(inner, a.add(b), first);
      head.store(inner, a.sub(b), second);
    });
  }
}

/** The transform of the lanes of one vector. */
function spreadLanes(block: Block, vector: PrimExpr): PrimExpr {
  const { lanes } = vector;
  let current = block.bind("lanes", vector);
  for (let stride = 1; stride < lanes; stride *= 2) {
    const partners = Array.from({ length: lanes }, (_, lane) => lane ^ stride);
    const isFirst = bitAnd(laneIndices(lanes), stride).eq(0);
    const signed = select(isFirst, current, current.mul(-1));
    current = block.bind("lanes", signed.add(permuteLanes(current, partners)));
  }
  return current;
}
