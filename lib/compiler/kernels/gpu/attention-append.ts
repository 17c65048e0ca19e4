/** What precedes attention on a GPU: the rotation of queries and keys, and the write of new keys and values into the pages. */
import type { Buffer } from "../../ir/buffer.js";
import { float, int, type PrimExpr } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";
import type { RowHead } from "../attention-append.js";
import { type AttentionBuffers, type AttentionOptions, PAGE_SIZE } from "../attention-options.js";
import type { GpuTraits } from "../kernel-target.js";
import { squareSum, type Team } from "./block-reduce.js";
import { launch, strided, threadsFor } from "./launch.js";
import { INDEX } from "./program.js";
import { sequenceOfRow } from "./row-search.js";
import { floatToHalf, halfToFloat, squareRoot } from "./scalar-math.js";

/** An element of the pages as float32. */
export function pageElement(stored: PrimExpr, { half }: GpuTraits): PrimExpr {
  return stored.dtype === "uint16" ? halfToFloat(stored.cast("int32"), half) : stored.cast("float32");
}

/** A float32 as an element of the pages. */
function toPageElement(block: Block, value: PrimExpr, dtype: string, { half }: GpuTraits): PrimExpr {
  return dtype === "uint16" ? floatToHalf(block, block.bind("value", value), half) : value.cast(dtype);
}

/** Statements that write keys and values of all rows: a block of threads for each row and KV head. */
export function appendRows(
  body: Block,
  options: AttentionOptions,
  buffers: AttentionBuffers,
  gpu: GpuTraits,
): void {
  const { heads, kvHeads, headDim } = options;
  const { norms, positions, pageIndptr, pageIndices, pages, layer, qkv, n } = buffers;
  const threads = threadsFor(headDim, gpu.maxThreads);
  launch(body, [n, kvHeads], threads, (block, { block: [row, kvHead], thread }) => {
    if (row === undefined || kvHead === undefined) return;
    const sequence =
      options.form === "decode" ? row : sequenceOfRow(block, buffers.qIndptr, buffers.sequences, row);
    const position = block.bind("position", positions.load(row));
    const firstPage = block.bind("first_page", pageIndptr.load(sequence));
    const page = block.bind("page", pageIndices.load(firstPage.add(position.floorDiv(PAGE_SIZE))));
    const slot = block.bind("slot", position.floorMod(PAGE_SIZE));
    const store = (inner: Block, kind: number, value: PrimExpr, at: PrimExpr) => {
      const element = toPageElement(inner, value, pages.dtype, gpu);
      inner.store(pages, element, page, layer, int(kind, INDEX), kvHead, at);
    };
    const key = { row, head: kvHead.add(heads), norm: norms?.key, scale: 1 };
    const scratch = block.shared("scratch", threads);
    rotateHead(block, options, buffers, key, { threads, thread }, scratch, (inner, value, d) =>
      store(inner, 0, value, d.mul(PAGE_SIZE).add(slot)),
    );
    const value = block.bind("value_column", kvHead.add(heads + kvHeads).mul(headDim));
    strided(block, headDim, threads, thread, (inner, d) =>
      store(inner, 1, qkv.load(row, value.add(d)), slot.mul(headDim).add(d)),
    );
  });
}

/** Statements that normalise and rotate (where the model does) and scale one head; all threads of the block must come here. `scratch`: as for `blockReduce`. */
export function rotateHead(
  block: Block,
  { headDim, qkNorm }: AttentionOptions,
  { qkv, rope }: AttentionBuffers,
  { row, head, norm, scale }: RowHead,
  team: Team,
  scratch: Buffer,
  store: (block: Block, value: PrimExpr, d: PrimExpr) => void,
): void {
  const { threads, thread } = team;
  const start = block.bind("column", head.mul(headDim));
  let load = (d: PrimExpr) => qkv.load(row, start.add(d));
  if (norm !== undefined && qkNorm !== undefined) {
    const plain = load;
    const total = squareSum(block, headDim, team, scratch, plain);
    const root = squareRoot(total.mul(1 / headDim).add(qkNorm.epsilon));
    const factor = block.bind("norm_factor", float(1).div(root));
    load = (d) => plain(d).mul(factor).mul(norm.load(d));
  }
  const scaled = (value: PrimExpr) => (scale === 1 ? value : value.mul(scale));
  if (rope === undefined) {
    strided(block, headDim, threads, thread, (inner, d) => store(inner, scaled(load(d)), d));
    return;
  }
  const half = headDim / 2;
  strided(block, half, threads, thread, (inner, d) => {
    const first = inner.bind("first", load(d));
    const second = inner.bind("second", load(d.add(half)));
    const cosine = inner.bind("cosine", rope.load(row, d));
    const sine = inner.bind("sine", rope.load(row, d.add(half)));
    store(inner, scaled(first.mul(cosine).sub(second.mul(sine))), d);
    store(inner, scaled(second.mul(cosine).add(first.mul(sine))), d.add(half));
  });
}
