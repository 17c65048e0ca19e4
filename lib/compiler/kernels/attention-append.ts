/** First half of attention: rotates queries and keys of all rows in place and writes keys and values into the pages. */
import type { Buffer } from "../ir/buffer.js";
import { float, int, type PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { multiplyAdd } from "../ir/vector.js";
import { type AttentionBuffers, type AttentionOptions, PAGE_SIZE } from "./attention-options.js";
import { lanesFor } from "./lanes.js";
import { normalizeRow } from "./row-norm.js";

/** Statements that append row `i`; rows are independent of one another. */
export function appendRow(
  block: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  i: PrimExpr,
): void {
  const { heads, kvHeads, headDim } = options;
  const { norms, pages, layer, qkv } = buffers;
  const sequence = options.form === "decode" ? i : sequenceOfRow(block, buffers, i);
  const position = block.bind("position", buffers.positions.load(i).cast("int64"));
  const slot = block.bind("slot", position.floorMod(PAGE_SIZE));
  const firstPage = buffers.pageIndptr.load(sequence).cast("int64");
  const pageIndex = firstPage.add(position.floorDiv(PAGE_SIZE));
  const page = block.bind("page", buffers.pageIndices.load(pageIndex).cast("int64"));
  block.serial("head", heads, (inner, head) =>
    rotateHead(inner, options, buffers, norms?.query, i, head.mul(headDim)),
  );
  block.serial("kv_head", kvHeads, (inner, head) => {
    const key = inner.bind("key", head.add(heads).mul(headDim));
    const value = inner.bind("value", head.add(heads + kvHeads).mul(headDim));
    rotateHead(inner, options, buffers, norms?.key, i, key);
    inner.serial("d", headDim, (column, d) => {
      const element = qkv.load(i, key.add(d)).cast(pages.dtype);
      column.store(pages, element, page, layer, 0, head, d.mul(PAGE_SIZE).add(slot));
    });
    const lanes = lanesFor(headDim);
    inner.serial("d", headDim / lanes, (column, j) => {
      const d = j.mul(lanes);
      const elements = qkv.loadVector(lanes, i, value.add(d)).cast(pages.dtype);
      column.store(pages, elements, page, layer, 1, head, slot.mul(headDim).add(d));
    });
  });
}

/** The sequence a row belongs to: the number of sequences that end at or before it. */
function sequenceOfRow(block: Block, { sequences, qIndptr }: AttentionBuffers, row: PrimExpr): PrimExpr {
  const count = block.local("sequence", 1, "int64");
  block.store(count, int(0), 0);
  block.serial("s", sequences, (inner, s) => {
    const ended = qIndptr.load(s.add(1)).cast("int64").le(row).cast("int64");
    inner.store(count, count.load(0).add(ended), 0);
  });
  return block.bind("s", count.load(0));
}

/** Normalises (where the model does) and rotates one head, the elements of row `i` from column `start` on. */
function rotateHead(
  block: Block,
  { headDim, qkNorm }: AttentionOptions,
  { qkv, rope }: AttentionBuffers,
  norm: Buffer | undefined,
  i: PrimExpr,
  start: PrimExpr,
): void {
  if (norm !== undefined && qkNorm !== undefined) {
    const load = (lanes: number, at: PrimExpr) => qkv.loadVector(lanes, i, start.add(at));
    const row = { columns: headDim, epsilon: qkNorm.epsilon, weight: norm, load };
    normalizeRow(block, row, (inner, value, at) => inner.store(qkv, value, i, start.add(at)));
  }
  const half = headDim / 2;
  const lanes = lanesFor(half);
  block.serial("d", half / lanes, (inner, j) => {
    const d = j.mul(lanes);
    const [low, high] = [start.add(d), start.add(d).add(half)];
    const first = inner.bind("first", qkv.loadVector(lanes, i, low));
    const second = inner.bind("second", qkv.loadVector(lanes, i, high));
    const cosine = inner.bind("cosine", rope.loadVector(lanes, i, d));
    const sine = inner.bind("sine", rope.loadVector(lanes, i, d.add(half)));
    const negated = float(0).broadcast(lanes).sub(second);
    inner.store(qkv, multiplyAdd(negated, sine, first.mul(cosine)), i, low);
    inner.store(qkv, multiplyAdd(first, sine, second.mul(cosine)), i, high);
  });
}
