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

/** Sums that fit the registers: 8 tokens x 2 vectors of 16 with 32 registers of 512 bits, 3 x 2 with 16 of 256. */
export function tokenTile(vectorBits: number): number {
  return vectorBits >= 512 ? 8 : 3;
}

/** Statements of the product of all n rows of x. */
export function matrixMatrix(
  block: Block,
  buffers: LinearBuffers,
  n: PrimExpr,
  columns: number,
  vectorBits: number,
): void {
  const tile = tokenTile(vectorBits);
  block.parallel("panel", panelCount(buffers), (body, index) =>
    forPanel(body, buffers, index, (inner, panel) => {
      const weights = inner.workspace("weights", [columns, PANEL_ROWS]);
      unpackPanel(inner, weights, panel, columns);
      const product: TileProduct = { buffers, panel, weights, columns };
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
}

/** `tokens` rows of x from row `first` on, times the panel. */
function tileProduct(block: Block, product: TileProduct, first: PrimExpr, tokens: number): void {
  const { buffers, panel, weights, columns } = product;
  const parts = panel.blocks.length;
  const sums = block.local("sums", tokens * parts * BLOCK_ROWS);
  const at = (token: number, part: number) => (token * parts + part) * BLOCK_ROWS;
  const each = (visit: (token: number, part: number) => void) => {
    for (let token = 0; token < tokens; token++) for (let part = 0; part < parts; part++) visit(token, part);
  };
  each((token, part) => block.store(sums, float(0).broadcast(BLOCK_ROWS), at(token, part)));
  block.serial("k", columns, (inner, k) => {
    const vectors = panel.blocks.map((_, part) =>
      inner.bind("w", weights.loadVector(BLOCK_ROWS, k, part * BLOCK_ROWS)),
    );
    for (let token = 0; token < tokens; token++) {
      const input = inner.bind("input", buffers.x.load(first.add(token), k));
      vectors.forEach((vector, part) => {
        const sum = sums.loadVector(BLOCK_ROWS, at(token, part));
        inner.store(sums, multiplyAdd(vector, input, sum), at(token, part));
      });
    }
  });
  for (let token = 0; token < tokens; token++) {
    const results = panel.blocks.map((_, part) => sums.loadVector(BLOCK_ROWS, at(token, part)));
    storeOutputs(block, buffers, panel, first.add(token), results);
  }
}
