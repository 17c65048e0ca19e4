/**
 * The matrix product of bf16 weights by bfloat16 dot products: rows of x are rounded a tile at a time, weights are multiplied as they
 * lie in memory. An output is the sum over the pairs of columns in order, whatever the tile it is computed in.
 */
import type { Buffer } from "../ir/buffer.js";
import { asExpr, float, int, type PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { lanesOf } from "../ir/vector.js";
import { BLOCK_ROWS } from "../quantization/format.js";
import { addPairProducts, importBfloatDot, ROUNDED_COLUMNS, roundColumns } from "./dot/bfloat-dot.js";
import { type PanelReader, singleRow, tokenTiles } from "./gemm.js";
import type { LinearBuffers, LinearOptions } from "./linear-options.js";
import type { Panel } from "./panels.js";
import { bfloatPairs } from "./weight-bfloat.js";

/** Statements of the product; all weights are bf16. */
export function bfloatProduct(block: Block, buffers: LinearBuffers, options: LinearOptions): void {
  const { columns, tokens, vectorBits = 512 } = options;
  const reader: PanelReader = (_, panel) => (inner, first, count) => {
    const pairs = roundedRows(inner, buffers.x, columns, first, count);
    return (sums, firstPart) => accumulate(inner, { pairs, panel, columns, tokens: count }, sums, firstPart);
  };
  importBfloatDot(block);
  if (tokens === 1) singleRow(block, buffers, vectorBits, reader);
  else tokenTiles(block, buffers, asExpr(buffers.n, "int64"), vectorBits, reader);
}

/** int32[tokens, columns / 2]: pairs of columns of rows `first` and on. */
function roundedRows(block: Block, x: Buffer, columns: number, first: PrimExpr, tokens: number): Buffer {
  const pairs = block.local("pairs", [tokens, columns / 2], "int32");
  const whole = Math.floor(columns / ROUNDED_COLUMNS);
  const rest = columns % ROUNDED_COLUMNS;
  block.serial("token", tokens, (body, token) => {
    const row = body.bind("row", first.add(token));
    body.serial("part", whole, (inner, part) => {
      const at = part.mul(ROUNDED_COLUMNS);
      const half = (from: number) => x.loadVector(BLOCK_ROWS, row, at.add(from));
      inner.store(pairs, roundColumns(half(0), half(BLOCK_ROWS)), token, part.mul(BLOCK_ROWS));
    });
    if (rest === 0) return;
    const last = body.local("last", ROUNDED_COLUMNS);
    body.store(last, float(0).broadcast(ROUNDED_COLUMNS), 0);
    body.store(last, x.loadVector(rest, row, int(whole * ROUNDED_COLUMNS)), 0);
    const half = (from: number) => last.loadVector(BLOCK_ROWS, from);
    const rounded = body.bind("rounded", roundColumns(half(0), half(BLOCK_ROWS)));
    body.store(pairs, lanesOf(rounded, 0, rest / 2), token, int(whole * BLOCK_ROWS));
  });
  return pairs;
}

interface TilePairs {
  readonly pairs: Buffer;
  readonly panel: Panel;
  readonly columns: number;
  readonly tokens: number;
}

/** Adds to sums[part][token] the products of row blocks `firstPart` and on of the panel. */
function accumulate(
  block: Block,
  { pairs, panel, columns, tokens }: TilePairs,
  sums: readonly Buffer[],
  firstPart: number,
): void {
  const blocks = panel.blocks.slice(firstPart, firstPart + sums.length);
  block.serial("pair", columns / 2, (inner, pair) => {
    const weights = blocks.map(({ segment, rowBlock }) =>
      inner.bind("w", bfloatPairs(segment.weight, rowBlock, pair, 0, BLOCK_ROWS)),
    );
    for (let token = 0; token < tokens; token++) {
      const input = inner.bind("input", pairs.load(token, pair)).broadcast(BLOCK_ROWS);
      weights.forEach((weight, part) => {
        const sum = sums[part];
        if (sum === undefined) return;
        const before = sum.loadVector(BLOCK_ROWS, token * BLOCK_ROWS);
        inner.store(sum, addPairProducts(before, weight, input), token * BLOCK_ROWS);
      });
    }
  });
}
