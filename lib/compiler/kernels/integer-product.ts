/**
 * The matrix product on 8-bit integers. One token: every weight is read once, in order. Few tokens: the same, each row block used for
 * all of them while it is in the first-level cache. Many: blocked so that activations stay in the second-level cache while several
 * panels pass, and weights while several tiles of tokens do.
 */
import type { Buffer } from "../ir/buffer.js";
import { asExpr, int, type PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { BLOCK_ROWS, GROUP_SIZE, packedBytes } from "../quantization/format.js";
import { ACTIVATION_WORDS, activationShape, quantizeRow } from "./activation-blocks.js";
import type { DotForm } from "./dot/dot-form.js";
import { dotForm } from "./dot/dot-forms.js";
import { dotTile } from "./dot-tile.js";
import { storeOutputs } from "./linear-epilogue.js";
import type { LinearBuffers, LinearOptions } from "./linear-options.js";
import { defaultTuning, type LinearTuning } from "./linear-tuning.js";
import { forPanel, type Panel, panelCount } from "./panels.js";
import { normedRow } from "./row-norm.js";

interface Product {
  readonly buffers: LinearBuffers;
  readonly columns: number;
  /** Activation blocks. */
  readonly x: Buffer;
  readonly dot: DotForm;
  readonly tuning: LinearTuning;
}

/** Statements of the product; `options.dot` is present. */
export function integerProduct(block: Block, buffers: LinearBuffers, options: LinearOptions): void {
  const { columns, tokens, dot: name = "vnni512", epsilon = 0 } = options;
  const tuning = { ...defaultTuning(name), ...options.tuning };
  const x = buffers.x.dtype === "int32" ? buffers.x : quantizeInput(block, buffers, columns, epsilon);
  const product: Product = { buffers, columns, x, dot: dotForm(name), tuning };
  if (tokens === 1) {
    fewTokens(block, product, int(1), [1]);
    return;
  }
  const n = asExpr(buffers.n, "int64");
  const few = (inner: Block) => fewTokens(inner, product, n, tileSizes(tuning.fewTileTokens));
  const many = (inner: Block) => manyTokens(inner, product, n);
  // Whole tiles of many tokens need at least one tile's worth.
  const most = Math.max(tuning.fewTokens, tuning.tileTokens - 1);
  if (options.only === "few") few(block);
  else if (options.only === "many") many(block);
  else block.if(n.le(most), few, many);
}

/** The one row of x as activation blocks, normalised first where the norm's weight is given. */
function quantizeInput(block: Block, { x, norm }: LinearBuffers, columns: number, epsilon: number): Buffer {
  const load = (lanes: number, at: PrimExpr) => x.loadVector(lanes, 0, at);
  const row = norm === undefined ? load : normedRow(block, { columns, epsilon, weight: norm, load });
  const blocks = block.local("x_blocks", activationShape(1, columns), "int32");
  quantizeRow(block, columns, row, { buffer: blocks, row: 0 });
  return blocks;
}

/** Tiles of `most` tokens and of the powers of two below: any number of tokens is a sum of them. */
function tileSizes(most: number): number[] {
  const sizes = [most];
  let power = 1;
  while (power * 2 < most) power *= 2;
  for (; power >= 1; power /= 2) if (power < most) sizes.push(power);
  return sizes;
}

function fewTokens(block: Block, product: Product, n: PrimExpr, sizes: readonly number[]): void {
  const { buffers, tuning } = product;
  const shape = { rows: Math.min(BLOCK_ROWS, tuning.tileRows), prefetchBytes: tuning.prefetchBytes };
  block.parallel("panel", panelCount(buffers), (body, index) =>
    forPanel(body, buffers, index, (inner, panel) =>
      tiles(inner, { product, panel, ...shape }, { from: int(0), to: n }, sizes),
    ),
  );
}

function manyTokens(block: Block, product: Product, n: PrimExpr): void {
  const { buffers, columns, tuning } = product;
  const panels = panelCount(buffers);
  const together = panelsTogether(product, panels);
  const tokenBytes = (columns / GROUP_SIZE) * ACTIVATION_WORDS * 4;
  const tokenTiles = Math.max(1, Math.floor(tuning.activationBytes / tokenBytes / tuning.tileTokens));
  const chunk = tokenTiles * tuning.tileTokens;
  const shape = { rows: tuning.tileRows, prefetchBytes: 0 };
  block.parallel("panels", Math.ceil(panels / together), (body, group) => {
    const firstPanel = body.bind("first_panel", group.mul(together));
    const count = body.bind("count", int(panels).sub(firstPanel).min(together));
    body.serial("chunk", n.add(chunk - 1).floorDiv(chunk), (tokens, index) => {
      const from = tokens.bind("from", index.mul(chunk));
      const to = tokens.bind("to", from.add(chunk).min(n));
      tokens.serial("panel", count, (each, next) =>
        forPanel(each, buffers, each.bind("panel", firstPanel.add(next)), (inner, panel) =>
          wholeTiles(inner, { product, panel, ...shape }, { from, to }),
        ),
      );
    });
  });
}

/** Panels that a thread takes at a time: what `panelBytes` hold, but at least 32 shares of the work. */
function panelsTogether({ buffers, columns, tuning }: Product, panels: number): number {
  const bytes = buffers.segments.reduce(
    (sum, { format, rows }) => sum + packedBytes(format, rows, columns),
    0,
  );
  const fitting = Math.floor((tuning.panelBytes * panels) / bytes);
  return Math.max(1, Math.min(fitting, Math.floor(panels / 32)));
}

/**
 * The panel's outputs of tokens `from` to `to`, at least a tile's worth before `to`. The last tile ends at `to` and computes rows of the
 * tile before once more, to the same bits: cheaper than code for every smaller size.
 */
function wholeTiles(
  block: Block,
  work: PanelTiles,
  { from, to }: { readonly from: PrimExpr; readonly to: PrimExpr },
): void {
  const { tileTokens } = work.product.tuning;
  const count = to
    .sub(from)
    .add(tileTokens - 1)
    .floorDiv(tileTokens);
  block.serial("tile", count, (inner, index) => {
    const token = from.add(index.mul(tileTokens)).min(to.sub(tileTokens));
    tile(inner, work, inner.bind("token", token), tileTokens);
  });
}

interface PanelTiles {
  readonly product: Product;
  readonly panel: Panel;
  /** Rows of the weight in registers at a time. */
  readonly rows: number;
  readonly prefetchBytes: number;
}

/** The panel's outputs of tokens `from` to `to`: as many tiles of the first size as fit, then at most one of each other. */
function tiles(
  block: Block,
  work: PanelTiles,
  { from, to }: { readonly from: PrimExpr; readonly to: PrimExpr },
  sizes: readonly number[],
): void {
  const [largest = 1, ...rest] = sizes;
  const count = block.bind("tiles", to.sub(from).floorDiv(largest));
  block.serial("tile", count, (inner, index) => {
    tile(inner, work, inner.bind("token", from.add(index.mul(largest))), largest);
  });
  let done = block.bind("done", from.add(count.mul(largest)));
  for (const size of rest) {
    const first = done;
    block.if(to.sub(first).ge(size), (inner) => tile(inner, work, first, size));
    const taken = to.sub(first).ge(size).cast("int64").mul(size);
    if (size > 1) done = block.bind("done", first.add(taken));
  }
}

function tile(block: Block, work: PanelTiles, first: PrimExpr, tokens: number): void {
  const { product, panel, prefetchBytes } = work;
  const { buffers, columns, x, dot } = product;
  const outputs = panel.blocks.map(() => block.local("outputs", tokens * BLOCK_ROWS));
  // One token's sums need few registers, and its weights are best read in one go.
  const together = tokens === 1 ? Math.max(work.rows, BLOCK_ROWS) : Math.max(work.rows, dot.lanes);
  const rows = Math.min(together, BLOCK_ROWS);
  for (const [at, blocks] of runs(panel, Math.ceil(together / BLOCK_ROWS))) {
    for (let firstRow = 0; firstRow < BLOCK_ROWS; firstRow += rows) {
      const ahead = firstRow === 0 ? prefetchBytes : 0;
      const shape = { x, columns, first, tokens, blocks, firstRow, rows, dot, prefetchBytes: ahead };
      dotTile(block, shape, outputs.slice(at, at + blocks.length));
    }
  }
  // A loop, as its code is long; dotTile keeps its sums in registers and only then writes them here.
  block.serial("token", tokens, (inner, token) => {
    const results = outputs.map((output) => output.loadVector(BLOCK_ROWS, token.mul(BLOCK_ROWS)));
    storeOutputs(inner, buffers, panel, inner.bind("row", first.add(token)), results);
  });
}

/** The panel's blocks, up to `together` neighbours of one weight at a time, with the index of the first. */
function runs({ blocks }: Panel, together: number): [number, Panel["blocks"]][] {
  const result: [number, Panel["blocks"]][] = [];
  for (let at = 0; at < blocks.length; ) {
    const segment = blocks[at]?.segment;
    let end = at + 1;
    while (end < at + together && blocks[end]?.segment === segment) end += 1;
    result.push([at, blocks.slice(at, end)]);
    at = end;
  }
  return result;
}
