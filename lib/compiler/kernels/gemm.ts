/**
 * Many rows of input: a panel of weights is unpacked once into the thread's workspace and then used for all rows, a tile of
 * tokens at a time, with the tile's sums in registers.
 */
import type { Buffer } from "../ir/buffer.js";
import { float, int, type PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { multiplyAdd } from "../ir/vector.js";
import { BLOCK_ROWS } from "../quantization/format.js";
import { storeOutputs } from "./linear-epilogue.js";
import { type LinearBuffers, PANEL_ROWS } from "./linear-options.js";
import { forPanel, type Panel, panelCount } from "./panels.js";
import { columnsPerStep, unpackColumns } from "./weight-blocks.js";

/** How many sums of 16 lanes are kept in registers at a time. */
interface RegisterTile {
  readonly tokens: number;
  /** Row blocks of the panel that one loop over the columns serves. */
  readonly blocks: 1 | 2;
}

/** 16 of 32 registers of 512 bits; 12 of 16 registers of 256 bits; 24 of 32 of 128 bits. */
function registerTile(vectorBits: number): RegisterTile {
  return vectorBits >= 512 ? { tokens: 8, blocks: 2 } : { tokens: 6, blocks: 1 };
}

/** Readies a panel, in code of its own, for the tiles of tokens that meet it. */
export type PanelReader = (block: Block, panel: Panel) => TileReader;
/** Readies `tokens` rows of x from row `first` on. */
export type TileReader = (block: Block, first: PrimExpr, tokens: number) => Accumulate;
/** Adds to sums[part][token] the tile's products with row blocks `firstPart` and on of the panel. */
export type Accumulate = (sums: readonly Buffer[], firstPart: number) => void;

/** Statements of the product of all n rows of x in float32. */
export function matrixMatrix(
  block: Block,
  buffers: LinearBuffers,
  n: PrimExpr,
  columns: number,
  vectorBits: number,
): void {
  tokenTiles(block, buffers, n, vectorBits, (inner, panel) => {
    const weights = inner.local("weights", [columns, PANEL_ROWS]);
    unpackPanel(inner, weights, panel, columns);
    return (body, first, tokens) => (sums, firstPart) =>
      accumulate(body, { x: buffers.x, weights, columns, first, tokens }, sums, firstPart);
  });
}

/** Statements that take every panel through all n rows of x, a tile at a time. */
export function tokenTiles(
  block: Block,
  buffers: LinearBuffers,
  n: PrimExpr,
  vectorBits: number,
  read: PanelReader,
): void {
  const { tokens: tile, blocks } = registerTile(vectorBits);
  block.parallel("panel", panelCount(buffers), (body, index) =>
    forPanel(body, buffers, index, (inner, panel) => {
      const product: TileProduct = { buffers, panel, blocks, read: read(inner, panel) };
      inner.serial("tile", n.floorDiv(tile), (tokens, index) =>
        tileProduct(tokens, product, index.mul(tile), tile),
      );
      let done = inner.bind("done", n.sub(n.floorMod(tile)));
      for (let size = largestPowerBelow(tile); size >= 1; size /= 2) {
        const first = done;
        inner.if(n.sub(first).ge(size), (rest) => tileProduct(rest, product, first, size));
        if (size > 1) {
          const left = n.sub(first).ge(size).cast("int64").mul(size);
          done = inner.bind("done", first.add(left));
        }
      }
    }),
  );
}

/** As `tokenTiles` for one row of x. */
export function singleRow(block: Block, buffers: LinearBuffers, vectorBits: number, read: PanelReader): void {
  const { blocks } = registerTile(vectorBits);
  block.parallel("panel", panelCount(buffers), (body, index) =>
    forPanel(body, buffers, index, (inner, panel) =>
      tileProduct(inner, { buffers, panel, blocks, read: read(inner, panel) }, int(0), 1),
    ),
  );
}

function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

/** weights[k][32]: the panel's row blocks side by side, in float32. */
function unpackPanel(block: Block, weights: Buffer, { blocks }: Panel, columns: number): void {
  const step = columnsPerStep(
    blocks.map(({ segment }) => segment.format),
    columns,
  );
  block.serial("step", columns / step, (inner, index) => {
    blocks.forEach(({ segment, rowBlock }, part) => {
      const values = unpackColumns(inner, segment.weight, segment.format, rowBlock, index, step);
      let column = 0;
      for (const value of values) {
        inner.store(weights, value, index.mul(step).add(column), part * BLOCK_ROWS);
        column += 1;
      }
    });
  });
}

interface TileProduct {
  readonly buffers: LinearBuffers;
  readonly panel: Panel;
  /** Row blocks that one loop over the columns serves. */
  readonly blocks: 1 | 2;
  readonly read: TileReader;
}

/** `tokens` rows of x from row `first` on, times the panel. */
function tileProduct(block: Block, product: TileProduct, first: PrimExpr, tokens: number): void {
  const { buffers, panel, blocks, read } = product;
  const sums = panel.blocks.map(() => block.local("sums", tokens * BLOCK_ROWS));
  const add = read(block, first, tokens);
  for (let part = 0; part < panel.blocks.length; part += blocks) {
    const together = sums.slice(part, part + blocks);
    for (const sum of together)
      for (let token = 0; token < tokens; token++)
        block.store(sum, float(0).broadcast(BLOCK_ROWS), token * BLOCK_ROWS);
    add(together, part);
  }
  for (let token = 0; token < tokens; token++) {
    const results = sums.map((sum) => sum.loadVector(BLOCK_ROWS, token * BLOCK_ROWS));
    storeOutputs(block, buffers, panel, first.add(token), results);
  }
}

interface FloatTile {
  readonly x: Buffer;
  readonly weights: Buffer;
  readonly columns: number;
  readonly first: PrimExpr;
  readonly tokens: number;
}

/** See `Accumulate`. */
function accumulate(
  block: Block,
  { x, weights, columns, first, tokens }: FloatTile,
  sums: readonly Buffer[],
  firstPart: number,
): void {
  block.serial("k", columns, (inner, k) => {
    const vectors = sums.map((_, part) =>
      inner.bind("w", weights.loadVector(BLOCK_ROWS, k, (firstPart + part) * BLOCK_ROWS)),
    );
    for (let token = 0; token < tokens; token++) {
      const input = inner.bind("input", x.load(first.add(token), k));
      sums.forEach((sum, part) => {
        const vector = vectors[part];
        const before = sum.loadVector(BLOCK_ROWS, token * BLOCK_ROWS);
        if (vector) inner.store(sum, multiplyAdd(vector, input, before), token * BLOCK_ROWS);
      });
    }
  });
}
