import type { FfiObject } from "../../../ffi/index.js";
import { BLOCK_ROWS } from "../../quantization/format.js";
import type { EmbeddingOptions } from "../embedding.js";
import type { GpuTraits } from "../kernel-target.js";
import { launch, strided, threadsFor } from "./launch.js";
import { gpuProgram, parameter, size } from "./program.js";
import { loadUnit, QUAD_ROWS, unitColumns, unitCount, weightOf, wordBuffer } from "./weight-words.js";

/**
 * Rows of an embedding table in packed layout on a GPU: `output[i] = table[ids[i]]`.
 *
 * Parameters: ids int32[n] (each below rows), table (int32 words, `wordShape`), output float32[n, columns].
 */
export function embedding(
  { rows, columns, format }: EmbeddingOptions,
  { half, maxThreads }: GpuTraits,
): FfiObject {
  const n = size("n");
  const ids = parameter("ids", [n], "int32");
  const table = wordBuffer("table", format, rows, columns);
  const output = parameter("output", [n, columns], "float32");
  const units = unitCount(format, columns);
  const threads = threadsFor(units, Math.min(maxThreads, 256));
  return gpuProgram([ids, table, output], (body) =>
    launch(body, [n], threads, (block, { block: [i], thread }) => {
      if (i === undefined) return;
      const id = block.bind("id", ids.load(i));
      const rowBlock = block.bind("row_block", id.floorDiv(BLOCK_ROWS));
      const within = block.bind("within", id.floorMod(BLOCK_ROWS));
      const quad = block.bind("quad", within.floorDiv(QUAD_ROWS));
      const lane = block.bind("lane", within.floorMod(QUAD_ROWS));
      strided(block, units, threads, thread, (inner, unit) => {
        const values = loadUnit(inner, { weight: table, format, rowBlock, quad, half }, unit);
        for (let row = 0; row < QUAD_ROWS; row++)
          inner.if(lane.eq(row), (own) => {
            for (let column = 0; column < unitColumns(format); column++)
              own.store(output, weightOf(values, row, column), i, unit.mul(unitColumns(format)).add(column));
          });
      });
    }),
  );
}
