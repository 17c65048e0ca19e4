/** One row of input: every weight is read once, in order, and used once. */
import { float } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { multiplyAdd } from "../ir/vector.js";
import { BLOCK_ROWS } from "../quantization/format.js";
import { storeOutputs } from "./linear-epilogue.js";
import type { LinearBuffers } from "./linear-options.js";
import { forPanel, type Panel, panelCount } from "./panels.js";
import { columnsPerStep, prefetchGroup, unpackColumns } from "./weight-blocks.js";

/**
 * Statements of the product of row 0 of x. A thread takes a contiguous range of panels and walks the two streams of each; an
 * output is the sum over the columns in order, one fused multiply-add each, exactly as in the matrix-matrix kernel.
 */
export function matrixVector(block: Block, buffers: LinearBuffers, columns: number): void {
  block.parallel("panel", panelCount(buffers), (body, index) =>
    forPanel(body, buffers, index, (inner, panel) => panelProduct(inner, buffers, columns, panel)),
  );
}

function panelProduct(block: Block, buffers: LinearBuffers, columns: number, panel: Panel): void {
  const { blocks } = panel;
  const sums = block.local("sums", blocks.length * BLOCK_ROWS);
  block.store(sums, float(0).broadcast(blocks.length * BLOCK_ROWS), 0);
  const formats = blocks.map(({ segment }) => segment.format);
  const step = columnsPerStep(formats, columns);
  const advance = blocks.filter(({ segment }) => segment === blocks[0]?.segment).length;
  block.serial("step", columns / step, (inner, index) => {
    const streams = blocks.map(({ segment: { weight, format }, rowBlock }) =>
      unpackColumns(inner, weight, format, rowBlock, index, step),
    );
    // The same step of the thread's next panel: it lies beyond what the processor foresees.
    for (const { segment, rowBlock } of blocks)
      prefetchGroup(inner, segment.weight, segment.format, rowBlock.add(advance), index);
    const totals = blocks.map((_, part) => sums.loadVector(BLOCK_ROWS, part * BLOCK_ROWS));
    for (let column = 0; column < step; column++) {
      const input = inner.bind("input", buffers.x.load(0, index.mul(step).add(column)));
      streams.forEach((stream, part) => {
        const { value } = stream.next();
        const total = totals[part];
        if (value && total) totals[part] = inner.bind("sum", multiplyAdd(value, input, total));
      });
    }
    totals.forEach((total, part) => {
      inner.store(sums, total, part * BLOCK_ROWS);
    });
  });
  const results = blocks.map((_, part) => sums.loadVector(BLOCK_ROWS, part * BLOCK_ROWS));
  storeOutputs(block, buffers, panel, 0, results);
}
