/**
 * Many rows of input: a block computes 64 rows by 64 outputs. For every 32 columns its threads unpack the weights once into shared
 * memory, beside the inputs, and each adds up 4 rows by 4 outputs from there.
 */
import type { Buffer } from "../../ir/buffer.js";
import { float, type PrimExpr, select } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";
import { BLOCK_ROWS } from "../../quantization/format.js";
import type { GpuTraits } from "../kernel-target.js";
import type { LinearBuffers } from "../linear-options.js";
import { launch, strided } from "./launch.js";
import { storeOutput } from "./linear-output.js";
import { forPanel, type PanelBlock, panelCount, type RowPanel } from "./row-panels.js";
import { loadUnit, QUAD_ROWS, unitColumns, weightOf } from "./weight-words.js";

const PANEL_BLOCKS = 4;
const TILE_ROWS = 64;
/** Columns in shared memory at a time. */
const TILE_COLUMNS = 32;
/** One word more than a row of the tile, so that neighbouring columns lie in different banks. */
const STRIDE = TILE_ROWS + 1;
const THREADS = 256;
/** Rows of x that a thread computes, 16 apart. */
const THREAD_ROWS = 4;
const ROW_STEP = TILE_ROWS / THREAD_ROWS;

/** Statements of the product of `n` rows of x. */
export function linearMany(
  body: Block,
  buffers: LinearBuffers,
  { columns, n, gpu }: { columns: number; n: PrimExpr; gpu: GpuTraits },
): void {
  const grid = [panelCount(buffers, PANEL_BLOCKS), n.add(TILE_ROWS - 1).floorDiv(TILE_ROWS)];
  launch(body, grid, THREADS, (block, { block: [index, tokens], thread }) => {
    if (index === undefined || tokens === undefined) return;
    const tile: Tile = {
      first: block.bind("first", tokens.mul(TILE_ROWS)),
      thread,
      n,
      columns,
      half: gpu.half,
      inputs: block.shared("inputs", TILE_COLUMNS * STRIDE),
      weights: block.shared("weights", TILE_COLUMNS * STRIDE),
    };
    computeTile(block, buffers, index, tile);
  });
}

interface Tile {
  /** First row of x. */
  readonly first: PrimExpr;
  readonly n: PrimExpr;
  readonly columns: number;
  readonly thread: PrimExpr;
  readonly half: boolean;
  /** [column][row of x] and [column][output]. */
  readonly inputs: Buffer;
  readonly weights: Buffer;
}

function computeTile(block: Block, buffers: LinearBuffers, index: PrimExpr, tile: Tile): void {
  const sums = block.registers("sums", THREAD_ROWS * PANEL_BLOCKS);
  for (let i = 0; i < THREAD_ROWS * PANEL_BLOCKS; i++) block.store(sums, 0, i);
  const lane = block.bind("lane", tile.thread.floorMod(BLOCK_ROWS));
  const row = block.bind("row", tile.thread.floorDiv(BLOCK_ROWS));
  block.serial("step", Math.ceil(tile.columns / TILE_COLUMNS), (inner, step) => {
    fillInputs(inner, buffers.x, tile, step);
    // Barriers are in no branch: drivers do not cope with all that are.
    forPanel(inner, buffers, PANEL_BLOCKS, index, (each, panel) => fillWeights(each, panel, tile, step));
    inner.synchronize();
    inner.serial("k", TILE_COLUMNS, (each, k) => addColumn(each, tile, { k, row, lane }, sums));
    inner.synchronize();
  });
  forPanel(block, buffers, PANEL_BLOCKS, index, (inner, panel) => {
    for (let i = 0; i < THREAD_ROWS; i++) {
      const token = inner.bind("token", tile.first.add(row).add(i * ROW_STEP));
      inner.if(token.lt(tile.n), (there) => {
        for (const result of panel.results)
          storeOutput(there, buffers, result, { token, lane }, (part) => sums.load(i * PANEL_BLOCKS + part));
      });
    }
  });
}

function addColumn(
  block: Block,
  { inputs, weights }: Tile,
  { k, row, lane }: { readonly k: PrimExpr; readonly row: PrimExpr; readonly lane: PrimExpr },
  sums: Buffer,
): void {
  const at = block.bind("at", k.mul(STRIDE));
  const values = Array.from({ length: PANEL_BLOCKS }, (_, part) =>
    block.bind("weight", weights.load(at.add(lane).add(part * BLOCK_ROWS))),
  );
  for (let i = 0; i < THREAD_ROWS; i++) {
    const input = block.bind("input", inputs.load(at.add(row).add(i * ROW_STEP)));
    values.forEach((value, part) => {
      const place = i * PANEL_BLOCKS + part;
      block.store(sums, sums.load(place).add(input.mul(value)), place);
    });
  }
}

/** Rows beyond the last and columns beyond the width are zero. */
function fillInputs(
  block: Block,
  x: Buffer,
  { first, n, columns, thread, inputs }: Tile,
  step: PrimExpr,
): void {
  strided(block, TILE_ROWS * TILE_COLUMNS, THREADS, thread, (inner, item) => {
    const row = inner.bind("input_row", item.floorDiv(TILE_COLUMNS));
    const column = inner.bind("input_column", item.floorMod(TILE_COLUMNS));
    const from = inner.bind("source_column", step.mul(TILE_COLUMNS).add(column));
    const to = column.mul(STRIDE).add(row);
    const there = first.add(row).lt(n);
    const value = x.load(
      first.add(row).min(n.sub(1)),
      columns % TILE_COLUMNS === 0 ? from : from.min(columns - 1),
    );
    const held = columns % TILE_COLUMNS === 0 ? value : select(from.lt(columns), value, float(0));
    inner.store(inputs, select(there, held, float(0)), to);
  });
}

function fillWeights(block: Block, { blocks }: RowPanel, tile: Tile, step: PrimExpr): void {
  blocks.forEach((panelBlock, part) => {
    const items = (BLOCK_ROWS / QUAD_ROWS) * (TILE_COLUMNS / unitColumns(panelBlock.segment.format));
    const fill = (inner: Block, item: PrimExpr) => fillUnit(inner, panelBlock, tile, { step, item, part });
    // A row block for each of several threads, where there are enough.
    if (items * PANEL_BLOCKS > THREADS) strided(block, items, THREADS, tile.thread, fill);
    else {
      const own = tile.thread.sub(part * items);
      block.if(own.ge(0), (from) => from.if(own.lt(items), (inner) => fill(inner, own)));
    }
  });
}

/** The weights of one unit of four rows. */
function fillUnit(
  block: Block,
  { segment: { weight, format }, rowBlock }: PanelBlock,
  { columns, weights, half }: Tile,
  { step, item, part }: { readonly step: PrimExpr; readonly item: PrimExpr; readonly part: number },
): void {
  const width = unitColumns(format);
  const perTile = TILE_COLUMNS / width;
  const quads = BLOCK_ROWS / QUAD_ROWS;
  const quad = block.bind("quad", item.floorMod(quads));
  const own = block.bind("own_unit", item.floorDiv(quads));
  const unit = step.mul(perTile).add(own);
  const last = columns / width - 1;
  const whole = columns % TILE_COLUMNS === 0;
  const held = block.bind("unit", whole ? unit : unit.min(last));
  const values = loadUnit(block, { weight, format, rowBlock, quad, half }, held);
  for (let column = 0; column < width; column++)
    for (let row = 0; row < QUAD_ROWS; row++) {
      const value = weightOf(values, row, column);
      const to = own
        .mul(width)
        .add(column)
        .mul(STRIDE)
        .add(quad.mul(QUAD_ROWS))
        .add(part * BLOCK_ROWS + row);
      block.store(weights, whole ? value : select(unit.le(last), value, float(0)), to);
    }
}
