/** Reading a quantised weight (layout "rows16") for integer products: codes as bytes, scales and minima as float32. */
import type { Buffer } from "../ir/buffer.js";
import type { PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { bitAnd, reinterpret, shiftRight } from "../ir/vector.js";
import { BLOCK_ROWS, WEIGHT_FORMATS, type WeightFormat } from "../quantization/format.js";
import type { CodeKind } from "./dot-product.js";

/** Bytes of one vector of codes: 16 rows x 4 bytes. */
const CODE_VECTOR_BYTES = 64;
/** Vectors of codes in a group. */
const codeVectors = (bits: number) => (bits === 4 ? 4 : 8);

/** `lanes` consecutive rows of one row block of a weight. */
export interface WeightRows {
  readonly weight: Buffer;
  readonly format: WeightFormat;
  readonly rowBlock: PrimExpr;
  /** First of the rows within the block, a multiple of `lanes`. */
  readonly first: number;
  readonly lanes: number;
}

/** How a format's codes are to be read. */
export function codeKind(format: WeightFormat): CodeKind {
  return WEIGHT_FORMATS[format].bits === 4 ? "unsigned4" : "signed8";
}

/**
 * Yields, for each run of 4 columns of the group in order, its codes: uint8x(4 * lanes), 4 consecutive columns a lane. Code is
 * written to `block` as the runs are drawn.
 */
export function* groupCodes(
  block: Block,
  { weight, format, rowBlock, first, lanes }: WeightRows,
  group: PrimExpr,
): Generator<PrimExpr, void, undefined> {
  const { bits } = WEIGHT_FORMATS[format];
  const bytes = lanes * 4;
  for (let vector = 0; vector < codeVectors(bits); vector++) {
    const at = vector * CODE_VECTOR_BYTES + first * 4;
    const codes = block.bind("bytes", weight.loadVector(bytes, rowBlock, group, at));
    if (bits === 8) {
      yield codes;
    } else {
      yield bitAnd(codes, 15);
      // Through 16-bit lanes: processors have no shift of bytes.
      const shifted = shiftRight(reinterpret(codes, `uint16x${bytes / 2}`), 4);
      yield bitAnd(reinterpret(shifted, codes.dtype), 15);
    }
  }
}

/** Scales of the group, float32xlanes. */
export function groupScales(block: Block, rows: WeightRows, group: PrimExpr): PrimExpr {
  return block.bind("scale", scaleVector(rows, group, 0));
}

/** Minima of the group, float32xlanes; only for formats that have them. */
export function groupMinima(block: Block, rows: WeightRows, group: PrimExpr): PrimExpr {
  return block.bind("minimum", scaleVector(rows, group, 1));
}

function scaleVector({ weight, format, rowBlock, first, lanes }: WeightRows, group: PrimExpr, index: number) {
  const { bits, scaleDtype } = WEIGHT_FORMATS[format];
  const dtype = scaleDtype ?? "float16";
  const width = dtype === "float16" ? 2 : 4;
  const at = codeVectors(bits) * CODE_VECTOR_BYTES + (index * BLOCK_ROWS + first) * width;
  const bytes = weight.loadVector(lanes * width, rowBlock, group, at);
  return reinterpret(bytes, `${dtype}x${lanes}`).cast("float32");
}
