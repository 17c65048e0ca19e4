/** What precedes attention: rotation of queries and keys, and the write of new keys and values into the pages. */
import type { Buffer } from "../ir/buffer.js";
import { float, int, type PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { multiplyAdd } from "../ir/vector.js";
import { quantizeHead, storeScale } from "./attention-codes.js";
import { type AttentionBuffers, type AttentionOptions, PAGE_SIZE } from "./attention-options.js";
import { spreadHead } from "./attention-spread.js";
import { localStrip, type Strip } from "./attention-strip.js";
import { lanesFor } from "./lanes.js";
import { normalizeRow } from "./row-norm.js";

/** A row of the step and where its sequence lies in the cache. */
export interface CachedRow {
  readonly row: PrimExpr;
  readonly position: PrimExpr;
  /** Index in page_indices of the sequence's first page. */
  readonly firstPage: PrimExpr;
}

/** Statements that append keys and values of all KV heads of row `i`, which belongs to any sequence. */
export function appendRow(
  block: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  i: PrimExpr,
): void {
  const sequence = sequenceOfRow(block, buffers, i);
  const position = block.bind("position", buffers.positions.load(i).cast("int64"));
  const firstPage = block.bind("sequence_page", buffers.pageIndptr.load(sequence).cast("int64"));
  block.serial("kv_head", options.kvHeads, (inner, kvHead) =>
    appendHead(inner, options, buffers, { row: i, position, firstPage }, kvHead),
  );
}

/** Statements that write the key and the value of one KV head. */
export function appendHead(
  block: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  { row, position, firstPage }: CachedRow,
  kvHead: PrimExpr,
): void {
  const { heads, kvHeads, headDim } = options;
  const { norms, pageIndices, layer, qkv } = buffers;
  const slot = block.bind("slot", position.floorMod(PAGE_SIZE));
  const pageIndex = firstPage.add(position.floorDiv(PAGE_SIZE));
  const page = block.bind("page", pageIndices.load(pageIndex).cast("int64"));
  const key = localStrip(block, "key", headDim);
  rotateHead(block, options, buffers, { row, head: kvHead.add(heads), norm: norms?.key, scale: 1 }, key);
  const value = block.bind("value", kvHead.add(heads + kvHeads).mul(headDim));
  const write = options.kvDtype === "int8" ? writeCodes : writeElements;
  write(block, headDim, buffers.pages, {
    record: (kind) => [page, layer, int(kind), kvHead],
    slot,
    key: (lanes, d) => key.load(lanes, d),
    value: (lanes, d) => qkv.loadVector(lanes, row, value.add(d)),
  });
}

/** A key and a value of one head, and their place in a page. */
interface NewHead {
  /** Indices of the record of keys (0) or values (1). */
  record(kind: 0 | 1): readonly PrimExpr[];
  readonly slot: PrimExpr;
  /** `lanes` elements from element `d` on, float32. */
  key(lanes: number, d: PrimExpr): PrimExpr;
  value(lanes: number, d: PrimExpr): PrimExpr;
}

function writeElements(block: Block, headDim: number, pages: Buffer, head: NewHead): void {
  const { slot } = head;
  block.serial("d", headDim, (column, d) => {
    const element = head.key(1, d).cast(pages.dtype);
    column.store(pages, element, ...head.record(0), d.mul(PAGE_SIZE).add(slot));
  });
  const lanes = lanesFor(headDim);
  block.serial("d", headDim / lanes, (column, j) => {
    const d = j.mul(lanes);
    column.store(pages, head.value(lanes, d).cast(pages.dtype), ...head.record(1), slot.mul(headDim).add(d));
  });
}

/** Writes codes in the place of the elements, and their scales. */
function writeCodes(block: Block, headDim: number, pages: Buffer, head: NewHead): void {
  const key = quantizeHead(block, headDim, head.key);
  const value = quantizeHead(block, headDim, head.value);
  const { slot, record } = head;
  writeElements(block, headDim, pages, {
    slot,
    record,
    key: (lanes, d) => key.codes.loadVector(lanes, d),
    value: (lanes, d) => value.codes.loadVector(lanes, d),
  });
  storeScale(block, pages, record(0), { headDim, slot, scale: key.scale });
  storeScale(block, pages, record(1), { headDim, slot, scale: value.scale });
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

/** A query or key head of a row. */
export interface RowHead {
  readonly row: PrimExpr;
  /** Index among the heads of qkv. */
  readonly head: PrimExpr;
  /** Weights of its normalisation, where the model has one. */
  readonly norm: Buffer | undefined;
  /** Factor of the result. */
  readonly scale: number;
}

/**
 * Statements that normalise and rotate (where the model does) and scale one head into a strip of headDim elements; beside a cache in
 * 8 bits they spread it as well.
 */
export function rotateHead(
  block: Block,
  { headDim, kvDtype, qkNorm }: AttentionOptions,
  { qkv, rope }: AttentionBuffers,
  { row, head, norm, scale }: RowHead,
  to: Strip,
): void {
  const start = block.bind("column", head.mul(headDim));
  let load = (lanes: number, at: PrimExpr) => qkv.loadVector(lanes, row, start.add(at));
  if (norm !== undefined && qkNorm !== undefined) {
    const source = { columns: headDim, epsilon: qkNorm.epsilon, weight: norm, load };
    normalizeRow(block, source, (inner, value, at) => to.store(inner, value, at));
    load = (lanes, at) => to.load(lanes, at);
  }
  const scaled = (value: PrimExpr) => (scale === 1 ? value : value.mul(scale));
  if (rope === undefined) {
    const width = lanesFor(headDim);
    block.serial("d", headDim / width, (inner, j) => {
      const d = j.mul(width);
      to.store(inner, scaled(load(width, d)), d);
    });
  } else {
    rotate(block, headDim, { rope, row }, load, (inner, value, d) => to.store(inner, scaled(value), d));
  }
  if (kvDtype === "int8") spreadHead(block, to, headDim);
}

/** Statements of the rotation of a head by the angles of its row. */
function rotate(
  block: Block,
  headDim: number,
  { rope, row }: { readonly rope: Buffer; readonly row: PrimExpr },
  load: (lanes: number, at: PrimExpr) => PrimExpr,
  store: (block: Block, value: PrimExpr, at: PrimExpr) => void,
): void {
  const half = headDim / 2;
  const lanes = lanesFor(half);
  block.serial("d", half / lanes, (inner, j) => {
    const d = j.mul(lanes);
    const first = inner.bind("first", load(lanes, d));
    const second = inner.bind("second", load(lanes, d.add(half)));
    const cosine = inner.bind("cosine", rope.loadVector(lanes, row, d));
    const sine = inner.bind("sine", rope.loadVector(lanes, row, d.add(half)));
    const negated = float(0).broadcast(lanes).sub(second);
    store(inner, multiplyAdd(negated, sine, first.mul(cosine)), d);
    store(inner, multiplyAdd(first, sine, second.mul(cosine)), d.add(half));
  });
}
