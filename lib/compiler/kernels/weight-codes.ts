/** Reading a quantised weight (layout "rows16") for integer products: the codes of a group as bytes. */
import type { PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { bitAnd, reinterpret, shiftLeft, shiftRight } from "../ir/vector.js";
import { GROUP_SIZE, WEIGHT_FORMATS, type WeightFormat } from "../quantization/format.js";
import type { CodeKind } from "./dot/dot-form.js";
import { codeBytes, type GroupPlace, highBits, type WeightRows } from "./weight-group.js";

/** Runs of 4 columns in a group. */
const RUNS = GROUP_SIZE / 4;

/** How a format's codes are to be read. */
export function codeKind(format: WeightFormat): CodeKind {
  const { bits } = WEIGHT_FORMATS[format];
  if (bits === 4) return "unsigned4";
  return bits === 8 ? "signed8" : "unsigned6";
}

/**
 * Yields, for each run of 4 columns of the group in order, its codes: uint8x(4 * lanes), 4 consecutive columns a lane. Code is
 * written to `block` as the runs are drawn.
 */
export function* groupCodes(
  block: Block,
  rows: WeightRows,
  place: GroupPlace,
): Generator<PrimExpr, void, undefined> {
  const { bits } = WEIGHT_FORMATS[rows.format];
  const loaded = new Map<number, PrimExpr>();
  const load = (vector: number): PrimExpr => {
    const bytes = loaded.get(vector) ?? block.bind("bytes", codeBytes(rows, place, vector));
    loaded.set(vector, bytes);
    return bytes;
  };
  for (let run = 0; run < RUNS; run++) {
    if (bits === 8) {
      yield load(run);
      continue;
    }
    const low = bitAnd(moveBits(load(Math.floor(run / 2)), run % 2 === 0 ? 0 : 4, 0), 15);
    if (bits === 4) {
      yield low;
      continue;
    }
    const { vector, from, count } = highBits(rows.format, run);
    yield low.add(bitAnd(moveBits(load(vector), from, 4), (2 ** count - 1) << 4));
  }
}

/** Every byte with its bit `from` at bit `to`; the others hold what came along. Through 16-bit lanes: processors have no shift of bytes. */
function moveBits(bytes: PrimExpr, from: number, to: number): PrimExpr {
  if (from === to) return bytes;
  const wide = reinterpret(bytes, `uint16x${bytes.lanes / 2}`);
  const moved = from > to ? shiftRight(wide, from - to) : shiftLeft(wide, to - from);
  return reinterpret(moved, bytes.dtype);
}
