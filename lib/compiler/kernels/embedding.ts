import type { FfiObject } from "../../ffi/index.js";
import { Buffer } from "../ir/buffer.js";
import { type PrimExpr, variable } from "../ir/prim-expr.js";
import { primFunc } from "../ir/prim-func.js";
import type { Block } from "../ir/statement.js";
import { BLOCK_ROWS, GROUP_SIZE, isQuantized, type WeightFormat } from "../quantization/format.js";
import { bfloatPairs, unpackPair } from "./weight-bfloat.js";
import { unpackRow, weightBuffer } from "./weight-blocks.js";

export interface EmbeddingOptions {
  /** Rows of the table (the vocabulary). */
  readonly rows: number;
  /** Width of a row (the hidden size). */
  readonly columns: number;
  readonly format: WeightFormat;
  /** Kinds of tokens, of which each has a row that is added; absent: nothing is. */
  readonly types?: number;
}

/**
 * Rows of an embedding table in packed layout, the same tensor an output projection may use: `output[i] = table[ids[i]]`.
 *
 * With `types` an id says its kind too, `type * rows + id`, and `output[i] = table[id] + typeTable[type]`.
 *
 * Parameters: ids int32[n] (each below rows, or types * rows), table (packed [rows, columns]), with `types` their table
 * float32[types * columns], output float32[n, columns].
 */
export function embedding({ rows, columns, format, types }: EmbeddingOptions): FfiObject {
  const n = variable("n");
  const ids = new Buffer("ids", [n], "int32");
  const table = weightBuffer("table", format, rows, columns);
  const output = new Buffer("output", [n, columns], "float32");
  const typeTable = types === undefined ? [] : [new Buffer("type_table", [types * columns], "float32")];
  return primFunc([ids, table, ...typeTable, output], (body) => {
    body.parallel("i", n, (block, i) => {
      const given = block.bind(types === undefined ? "id" : "given", ids.load(i).cast("int64"));
      const id = types === undefined ? given : block.bind("id", given.floorMod(rows));
      const added = typeTable.map((buffer) => {
        const start = block.bind("type_start", given.floorDiv(rows).mul(columns));
        return (value: PrimExpr, at: PrimExpr) => buffer.loadVector(value.lanes, start.add(at));
      });
      const row = {
        rowBlock: block.bind("row_block", id.floorDiv(BLOCK_ROWS)),
        lane: block.bind("lane", id.floorMod(BLOCK_ROWS)),
      };
      const store = (inner: Block, value: PrimExpr, at: PrimExpr) =>
        inner.store(
          output,
          added.reduce((sum, addend) => sum.add(addend(value, at)), value),
          i,
          at,
        );
      if (format === "bf16") {
        block.serial("pair", columns / 2, (inner, pair) => {
          const word = inner.bind("pair_bits", bfloatPairs(table, row.rowBlock, pair, row.lane, 1));
          unpackPair(word).forEach((value, part) => {
            store(inner, value, pair.mul(2).add(part));
          });
        });
        return;
      }
      if (!isQuantized(format)) {
        block.serial("j", columns, (inner, j) =>
          store(inner, table.load(row.rowBlock, j, row.lane).cast("float32"), j),
        );
        return;
      }
      block.serial("group", columns / GROUP_SIZE, (inner, group) =>
        unpackRow(inner, table, format, row, group, (column, values) =>
          store(inner, values, group.mul(GROUP_SIZE).add(column)),
        ),
      );
    });
  });
}
