/**
 * Keys and values in 8 bits. A key or value of one head is rounded on its own, when it is appended: x = code * scale, codes int8,
 * scale float32 max |x| / 127. So what a page holds does not depend on its neighbours, on the batch or on chunks, and a page may
 * be shared. A record (lib/package/kv-format.ts) is the codes in the place of the elements, then the scales of its 16 positions,
 * one vector: scores are multiplied by those of the keys, probabilities by those of the values, 16 positions at a time, and no
 * element is ever multiplied by a scale. One scale a token and head is also the scheme of vLLM ("int8_per_token_head"). Keys are
 * spread before (attention-spread.ts).
 */
import type { Buffer } from "../ir/buffer.js";
import { int, type PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { reinterpret } from "../ir/vector.js";
import { codeScale, codesOf, magnitudes } from "./activation-blocks.js";
import { PAGE_SIZE } from "./attention-options.js";
import { lanesFor } from "./lanes.js";

/** Bytes of a scale. */
const SCALE_BYTES = 4;

/** A head of one token in 8 bits. */
export interface HeadCodes {
  /** int8 [headDim], memory of the block. */
  readonly codes: Buffer;
  /** float32. */
  readonly scale: PrimExpr;
}

/**
 * Statements that round a head.
 * @param load `lanes` elements from an element on, float32.
 */
export function quantizeHead(
  block: Block,
  headDim: number,
  load: (lanes: number, at: PrimExpr) => PrimExpr,
): HeadCodes {
  const lanes = lanesFor(headDim);
  const largest = block.local("magnitudes", lanes, "int32");
  block.store(largest, int(0, "int32").broadcast(lanes), 0);
  block.serial("d", headDim / lanes, (inner, j) =>
    inner.store(largest, largest.loadVector(lanes, 0).max(magnitudes(load(lanes, j.mul(lanes)))), 0),
  );
  const { factor, scale } = codeScale(block, largest.loadVector(lanes, 0));
  const codes = block.local("codes", headDim, "int8");
  block.serial("d", headDim / lanes, (inner, j) => {
    const d = j.mul(lanes);
    inner.store(codes, codesOf(load(lanes, d), factor).cast("int8"), d);
  });
  return { codes, scale };
}

/** Statement that writes the scale of position `slot` of a record; `record` are the indices of the record. */
export function storeScale(
  block: Block,
  pages: Buffer,
  record: readonly PrimExpr[],
  { headDim, slot, scale }: { readonly headDim: number; readonly slot: PrimExpr; readonly scale: PrimExpr },
): void {
  const at = slot.mul(SCALE_BYTES).add(PAGE_SIZE * headDim);
  block.store(pages, reinterpret(scale, `int8x${SCALE_BYTES}`), ...record, at);
}

/** The scales of the 16 positions of a record, float32x16. */
export function loadScales(pages: Buffer, record: readonly PrimExpr[], headDim: number): PrimExpr {
  const bytes = pages.loadVector(PAGE_SIZE * SCALE_BYTES, ...record, PAGE_SIZE * headDim);
  return reinterpret(bytes, `float32x${PAGE_SIZE}`);
}
