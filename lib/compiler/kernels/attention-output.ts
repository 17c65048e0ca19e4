import { float, type PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { GROUP_SIZE } from "../quantization/format.js";
import { quantizeGroup } from "./activation-blocks.js";
import type { Sums } from "./attention-chunk.js";
import { type AttentionBuffers, type AttentionOptions, PAGE_SIZE } from "./attention-options.js";
import { LANES, lanesFor, sumLanes } from "./lanes.js";
import { exp2 } from "./vector-math.js";

/** Statements that divide a query's values by its sum and write them to the output, as head `head` of row `row`. */
export function storeHead(
  block: Block,
  options: AttentionOptions,
  { output, sinks }: AttentionBuffers,
  { largest, sums, values }: Sums,
  { row, head }: { readonly row: PrimExpr; readonly head: PrimExpr },
): void {
  const { headDim } = options;
  const total = sumLanes(block, sums.load(PAGE_SIZE));
  const factor = block.bind(
    "factor",
    sinks === undefined ? float(1).div(total) : sinkFactor(block, largest.load(1), total, sinks.load(head)),
  );
  const load = (lanes: number, at: PrimExpr) => values.load(lanes, at).mul(factor);
  if (options.output === "int8") {
    const groups = headDim / GROUP_SIZE;
    block.serial("g", groups, (inner, g) => {
      const at = g.mul(GROUP_SIZE);
      const halves = [load(LANES, at), load(LANES, at.add(LANES))] as const;
      quantizeGroup(inner, halves, { buffer: output, row, group: head.mul(groups).add(g) });
    });
    return;
  }
  const lanes = lanesFor(headDim);
  block.serial("d", headDim / lanes, (inner, j) => {
    const d = j.mul(lanes);
    inner.store(output, load(lanes, d), row, head.mul(headDim).add(d));
  });
}

/** One over the sum of probabilities and the sink's, all relative to the larger of the sink logit and the largest score. */
function sinkFactor(block: Block, largest: PrimExpr, total: PrimExpr, logit: PrimExpr): PrimExpr {
  const sink = block.bind("sink", logit.mul(Math.LOG2E));
  const reference = block.bind("reference", largest.max(sink));
  const share = exp2(block, largest.sub(reference));
  return share.div(total.mul(share).add(exp2(block, sink.sub(reference))));
}
