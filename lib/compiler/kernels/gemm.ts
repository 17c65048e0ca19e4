/**
 * Many rows of input: a panel of weights is unpacked once into the thread's workspace and then used for all rows, a tile of
 * tokens at a time, with the tile's sums in registers.
 */
import type { Buffer } from "../ir/buffer.js";
import { float, type PrimExpr } from "../ir/prim-expr.js";
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

/** Statements of the product of all n rows of x. */
export function matrixMatrix(
  block: Block,
  buffers: LinearBuffers,
  n: PrimExpr,
  columns: number,
  vectorBits: number,
): void {
  const { tokens: tile, blocks } = registerTile(vectorBits);
  block.parallel("panel", panelCount(buffers), (body, index) =>
    forPanel(body, buffers, index, (inner, panel) => {
      const weights = inner.local("weights", [columns, PANEL_ROWS]);
      unpackPanel(inner, weights, panel, columns);
      const product: TileProduct = { buffers, panel, weights, columns, blocks };
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
  readonly weights: Buffer;
  readonly columns: number;
  /** Row blocks that one loop over the columns serves. */
  readonly blocks: 1 | 2;
}

/** `tokens` rows of x from row `first` on, times the panel. */
function tileProduct(block: Block, product: TileProduct, first: PrimExpr, tokens: number): void {
  const { buffers, panel, blocks } = product;
  const sums = panel.blocks.map(() => block.local("sums", tokens * BLOCK_ROWS));
  for (let part = 0; part < panel.blocks.length; part += blocks)
    accumulate(block, product, first, tokens, sums.slice(part, part + blocks), part);
  for (let token = 0; token < tokens; token++) {
    const results = sums.map((sum) => sum.loadVector(BLOCK_ROWS, token * BLOCK_ROWS));
    storeOutputs(block, buffers, panel, first.add(token), results);
  }
}

/** sums[part][token] = x[first + token] · row blocks `firstPart` and on of the panel. */
function accumulate(
  block: Block,
  { buffers, weights, columns }: TileProduct,
  first: PrimExpr,
  tokens: number,
  sums: readonly Buffer[],
  firstPart: number,
): void {
  for (const sum of sums)
    for (let token = 0; token < tokens; token++)
      block.store(sum, float(0).broadcast(BLOCK_ROWS), token * BLOCK_ROWS);
  block.serial("k", columns, (inner, k) => {
    const vectors = sums.map((_, part) =>
      inner.bind("w", weights.loadVector(BLOCK_ROWS, k, (firstPart + part) * BLOCK_ROWS)),
    );
    for (let token = 0; token < tokens; token++) {
      const input = inner.bind("input", buffers.x.load(first.add(token), k));
      sums.forEach((sum, part) => {
        const vector = vectors[part];
        const before = sum.loadVector(BLOCK_ROWS, token * BLOCK_ROWS);
        if (vector) inner.store(sum, multiplyAdd(vector, input, before), token * BLOCK_ROWS);
      });
    }
  });
}
