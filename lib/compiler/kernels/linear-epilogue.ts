/** The end of a matrix product: bias, residual, gate, GELU or tanh, and the store, which heeds an incomplete last row block. */
import type { ExprLike, PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { BLOCK_ROWS, GROUP_SIZE } from "../quantization/format.js";
import { quantizeGroup } from "./activation-blocks.js";
import type { LinearBuffers } from "./linear-options.js";
import type { Panel } from "./panels.js";
import { gelu, silu, tanh } from "./vector-math.js";

const ACTIVATIONS = { gelu, tanh };

/**
 * Writes one token's outputs of a panel.
 * @param sums float32x16 of each row block.
 */
export function storeOutputs(
  block: Block,
  { output, residual, activation }: LinearBuffers,
  panel: Panel,
  token: ExprLike,
  sums: readonly PrimExpr[],
): void {
  const results = panel.gates.length > 0 ? gate(block, panel, sums) : sums;
  const [low, high] = results;
  if (output.dtype === "int32" && low !== undefined && high !== undefined) {
    const group = panel.column.floorDiv(GROUP_SIZE);
    quantizeGroup(block, [low, high], { buffer: output, row: token, group });
    return;
  }
  results.forEach((result, part) => {
    const segment = panel.blocks[part]?.segment;
    const at = panel.column.add(part * BLOCK_ROWS);
    const finished = (inner: Block, sum: PrimExpr, lanes: number, to: PrimExpr) => {
      let value = sum;
      if (segment?.bias !== undefined)
        value = value.add(segment.bias.loadVector(lanes, to.sub(segment.offset)));
      if (residual !== undefined) value = value.add(residual.loadVector(lanes, token, to));
      return activation === undefined ? value : ACTIVATIONS[activation](inner, inner.bind("sum", value));
    };
    const count = Math.min(BLOCK_ROWS, panel.valid - part * BLOCK_ROWS);
    if (count === BLOCK_ROWS) {
      block.store(output, finished(block, result, BLOCK_ROWS, at), token, at);
      return;
    }
    const lanes = block.local("lanes", BLOCK_ROWS);
    block.store(lanes, result, 0);
    block.serial("lane", count, (inner, lane) => {
      const to = at.add(lane);
      inner.store(output, finished(inner, lanes.load(lane), 1, to), token, to);
    });
  });
}

/** `silu(gate) * up` of the panel's pairs. */
function gate(block: Block, { gates }: Panel, sums: readonly PrimExpr[]): PrimExpr[] {
  return gates.map((pair) => silu(block, sums[pair.gate] as PrimExpr).mul(sums[pair.up] as PrimExpr));
}
