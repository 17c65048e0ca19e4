/** The end of a matrix product: bias, residual, gate, GELU or tanh, and the store. */
import type { PrimExpr } from "../../ir/prim-expr.js";
import type { Block } from "../../ir/statement.js";
import type { LinearBuffers } from "../linear-options.js";
import type { PanelResult } from "./row-panels.js";
import { gelu, silu, tanh } from "./scalar-math.js";

const ACTIVATIONS = { gelu, tanh };

/**
 * Writes one output of a token: that of lane `lane` (0 to 15) of a result, if there is such a row.
 * @param sum the finished sum of a block of the panel in that lane.
 */
export function storeOutput(
  block: Block,
  { output, residual, activation }: LinearBuffers,
  result: PanelResult,
  { token, lane }: { readonly token: PrimExpr; readonly lane: PrimExpr },
  sum: (panelBlock: number) => PrimExpr,
): void {
  const { bias, up, row, rows, column } = result;
  block.if(row.add(lane).lt(rows), (inner) => {
    const total = inner.bind("total", sum(result.block));
    let value = up === undefined ? total : silu(total).mul(sum(up));
    if (bias !== undefined) value = value.add(bias.load(row.add(lane)));
    if (residual !== undefined) value = value.add(residual.load(token, column.add(lane)));
    if (activation !== undefined) value = ACTIVATIONS[activation](inner.bind("sum", value));
    inner.store(output, value, token, column.add(lane));
  });
}
