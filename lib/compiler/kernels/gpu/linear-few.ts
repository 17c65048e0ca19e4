/**
 * Few rows of input: every weight is read once. The threads of a block share one row block (two of a gated product); a thread takes four
 * rows of every so many units of columns, so that neighbours read neighbouring bytes, 16 at a time; the block adds up what they found.
 */
import type { Buffer } from "../../ir/buffer.js";
import { float, int, type PrimExpr } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";
import { BLOCK_ROWS } from "../../quantization/format.js";
import type { GpuTraits } from "../kernel-target.js";
import type { LinearBuffers } from "../linear-options.js";
import { launch, strided, threadsFor } from "./launch.js";
import { storeOutput } from "./linear-output.js";
import { INDEX } from "./program.js";
import { forPanel, panelCount, type RowPanel } from "./row-panels.js";
import { loadUnit, QUAD_ROWS, unitColumns, unitCount } from "./weight-words.js";

const QUADS = BLOCK_ROWS / QUAD_ROWS;
/** Beyond this a block's threads have too little to do each. */
const MOST_THREADS = 256;

/** Statements of the product of `n` rows of x, `tile` rows a block. */
export function linearFew(
  body: Block,
  buffers: LinearBuffers,
  { columns, n, tile, gpu }: { columns: number; n: PrimExpr; tile: number; gpu: GpuTraits },
): void {
  const size = buffers.gated ? 2 : 1;
  const units = Math.max(...buffers.segments.map(({ format }) => unitCount(format, columns)));
  const sumBytes = size * tile * QUAD_ROWS * 4;
  const room = Math.floor(gpu.sharedBytes / 2 / sumBytes);
  const most = 2 ** Math.floor(Math.log2(Math.min(MOST_THREADS, gpu.maxThreads, room)));
  const threads = threadsFor(units * QUADS, most);
  const grid = [panelCount(buffers, size), n.add(tile - 1).floorDiv(tile)];
  launch(body, grid, threads, (block, { block: [index, tokens], thread }) => {
    if (index === undefined || tokens === undefined) return;
    const work = { columns, tile, threads, thread, first: block.bind("first", tokens.mul(tile)), n, gpu };
    const partial = block.shared("partial", (threads / QUADS) * size * tile * BLOCK_ROWS);
    // The barrier is in no branch: drivers do not cope with all that are.
    forPanel(block, buffers, size, index, (inner, panel) => addUnits(inner, buffers, panel, work, partial));
    block.synchronize();
    forPanel(block, buffers, size, index, (inner, panel) => storeSums(inner, buffers, panel, work, partial));
  });
}

interface FewRows {
  readonly columns: number;
  /** Rows of x a block computes. */
  readonly tile: number;
  readonly threads: number;
  readonly thread: PrimExpr;
  /** The block's first row. */
  readonly first: PrimExpr;
  readonly n: PrimExpr;
  readonly gpu: GpuTraits;
}

/** A thread's sums of its units: registers [panel block][row of x][row of the quad], then to shared memory. */
function addUnits(block: Block, { x }: LinearBuffers, panel: RowPanel, work: FewRows, partial: Buffer): void {
  const { tile, thread, threads, columns, first, n, gpu } = work;
  const slices = threads / QUADS;
  const quad = block.bind("quad", thread.floorMod(QUADS));
  const slice = block.bind("slice", thread.floorDiv(QUADS));
  panel.blocks.forEach(({ segment: { weight, format }, rowBlock }, part) => {
    const sums = block.registers("sums", tile * QUAD_ROWS);
    for (let i = 0; i < tile * QUAD_ROWS; i++) block.store(sums, 0, i);
    const width = unitColumns(format);
    strided(block, unitCount(format, columns), slices, slice, (inner, unit) => {
      const weights = loadUnit(inner, { weight, format, rowBlock, quad, half: gpu.half }, unit);
      for (let token = 0; token < tile; token++) {
        // Rows beyond the last are read as the last: their sums are not stored.
        const row = tile === 1 ? first : first.add(token).min(n.sub(1));
        const input = inner.registers("input", width);
        loadInput(inner, x, row, unit, input, width);
        addProducts(inner, weights, input, width, sums, token * QUAD_ROWS);
      }
    });
    for (let token = 0; token < tile; token++)
      for (let row = 0; row < QUAD_ROWS; row++) {
        const at = slice.mul(panel.blocks.length * tile * BLOCK_ROWS);
        const place = at.add((part * tile + token) * BLOCK_ROWS + row).add(quad.mul(QUAD_ROWS));
        block.store(partial, sums.load(token * QUAD_ROWS + row), place);
      }
  });
}

function loadInput(
  block: Block,
  x: Buffer,
  row: PrimExpr,
  unit: PrimExpr,
  input: Buffer,
  width: number,
): void {
  const lanes = Math.min(width, 4);
  for (let column = 0; column < width; column += lanes)
    block.store(input, x.loadVector(lanes, row, unit.mul(width).add(column)), column);
}

/** `sums[at + row] += scale * (codes . x) + offset * sum(x)`. */
function addProducts(
  block: Block,
  { code, scaling }: ReturnType<typeof loadUnit>,
  input: Buffer,
  width: number,
  sums: Buffer,
  at: number,
): void {
  const total = scaling?.some(({ offset }) => offset !== undefined)
    ? block.bind(
        "input_sum",
        sumOf(width, (column) => input.load(column)),
      )
    : undefined;
  for (let row = 0; row < QUAD_ROWS; row++) {
    const dot = sumOf(width, (column) => code(row, column).mul(input.load(column)));
    const own = scaling?.[row];
    let value = own === undefined ? dot : dot.mul(own.scale);
    if (own?.offset !== undefined && total !== undefined) value = value.add(own.offset.mul(total));
    block.store(sums, sums.load(at + row).add(value), at + row);
  }
}

function sumOf(count: number, term: (index: number) => PrimExpr): PrimExpr {
  let sum = term(0);
  for (let index = 1; index < count; index++) sum = sum.add(term(index));
  return sum;
}

/** The sums of all slices, in order, with what follows them. */
function storeSums(
  block: Block,
  buffers: LinearBuffers,
  panel: RowPanel,
  work: FewRows,
  partial: Buffer,
): void {
  const { tile, thread, threads, first, n } = work;
  const slices = threads / QUADS;
  const width = panel.blocks.length * tile * BLOCK_ROWS;
  panel.results.forEach((result) => {
    strided(block, tile * BLOCK_ROWS, threads, thread, (inner, index) => {
      const token = inner.bind("token", index.floorDiv(BLOCK_ROWS));
      const lane = inner.bind("lane", index.floorMod(BLOCK_ROWS));
      inner.if(first.add(token).lt(n), (there) =>
        storeOutput(there, buffers, result, { token: first.add(token), lane }, (panelBlock) =>
          sliceSum(
            there,
            partial,
            slices,
            width,
            token
              .add(panelBlock * tile)
              .mul(BLOCK_ROWS)
              .add(lane),
          ),
        ),
      );
    });
  });
}

function sliceSum(block: Block, partial: Buffer, slices: number, width: number, at: PrimExpr): PrimExpr {
  const sum = block.registers("slice_sum", 1);
  block.store(sum, float(0), 0);
  block.serial("slice", int(slices, INDEX), (inner, slice) =>
    inner.store(sum, sum.load(0).add(partial.load(slice.mul(width).add(at))), 0),
  );
  return block.bind("finished", sum.load(0));
}
