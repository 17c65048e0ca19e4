/**
 * The parts of one group of 32 columns of a quantised weight (layout "rows16", lib/package/weight-format.ts) as kernels load them:
 * bytes of codes, scales and minima as float32.
 */
import type { Buffer } from "../ir/buffer.js";
import { withLanes } from "../ir/dtype.js";
import { asExpr, type ExprLike, type PrimExpr } from "../ir/prim-expr.js";
import { reinterpret } from "../ir/vector.js";
import { BLOCK_ROWS, blockLayout, WEIGHT_FORMATS, type WeightFormat } from "../quantization/format.js";

/** Bytes of one vector of codes: 16 rows x 4 bytes. */
const CODE_VECTOR_BYTES = 64;
/** Vectors of low nibbles that precede the higher bits. */
const NIBBLE_VECTORS = 4;

/** `lanes` consecutive rows of one row block of a weight. */
export interface WeightRows {
  readonly weight: Buffer;
  readonly format: WeightFormat;
  readonly rowBlock: PrimExpr;
  /** First of the rows within the block. */
  readonly first: ExprLike;
  readonly lanes: number;
}

/** Where a group lies. */
export interface GroupPlace {
  /** Block along the columns. */
  readonly index: PrimExpr;
  /** Byte offset of the group in its block. */
  readonly at: ExprLike;
  /** Its share of the bytes of its block. */
  readonly bytes: number;
}

/** Place of group `next` of block `index`; of formats with one group a block, of block `index`. */
export function groupInBlock(format: WeightFormat, index: PrimExpr, next: ExprLike): GroupPlace {
  const { groups, groupsAt, groupBytes } = blockLayout(format);
  const at = groups === 1 ? groupsAt : asExpr(next, "int64").mul(groupBytes).add(groupsAt);
  return { index, at, bytes: WEIGHT_FORMATS[format].blockBytes / groups };
}

/** Place of a group counted along all columns. */
export function groupPlace(format: WeightFormat, group: PrimExpr): GroupPlace {
  const { groups } = blockLayout(format);
  if (groups === 1) return groupInBlock(format, group, 0);
  return groupInBlock(format, group.floorDiv(groups), group.floorMod(groups));
}

/** Vector `vector` of the codes, uint8x(4 * lanes): 4 bytes a row. */
export function codeBytes(rows: WeightRows, { index, at }: GroupPlace, vector: number): PrimExpr {
  const offset = asExpr(at, "int64").add(vector * CODE_VECTOR_BYTES);
  return rows.weight.loadVector(4 * rows.lanes, rows.rowBlock, index, offset.add(scaled(rows.first, 4)));
}

/** Where the bits above the low four of a run of 4 columns are: bits `from` and on (`count`) of the bytes of a vector. */
export interface HighBits {
  readonly vector: number;
  readonly from: number;
  readonly count: number;
}

/** Of run `run` (0 to 7) of a format of 5 or 6 bits. */
export function highBits(format: WeightFormat, run: number): HighBits {
  const count = WEIGHT_FORMATS[format].bits - 4;
  const bit = run * count;
  return { vector: NIBBLE_VECTORS + Math.floor(bit / 8), from: bit % 8, count };
}

/** Scales of a block as they are stored, float32 lanes. */
export function blockScales(rows: WeightRows, index: PrimExpr): PrimExpr {
  return floats(rows, index, blockLayout(rows.format).scalesAt);
}

/** Minima of a block as they are stored, float32 lanes; only for formats that have them. */
export function blockMinima(rows: WeightRows, index: PrimExpr): PrimExpr {
  return floats(rows, index, blockLayout(rows.format).minimaAt);
}

function floats({ weight, format, rowBlock, first, lanes }: WeightRows, index: PrimExpr, start: number) {
  const dtype = WEIGHT_FORMATS[format].scaleDtype ?? "float16";
  const width = dtype === "float16" ? 2 : 4;
  const bytes = weight.loadVector(lanes * width, rowBlock, index, scaled(first, width).add(start));
  return reinterpret(bytes, withLanes(dtype, lanes)).cast("float32");
}

/**
 * Scales of a group, each for the next `32 / scales.length` columns, float32 lanes. Exact: a product of 11 by at most 8 bits.
 * @param ofBlock `blockScales`.
 */
export function groupScales(rows: WeightRows, place: GroupPlace, ofBlock: PrimExpr): PrimExpr[] {
  const { factors } = WEIGHT_FORMATS[rows.format];
  if (factors === null) return [ofBlock];
  const columns = factors === "halves" ? [0, 1] : [0];
  return columns.map((which) => ofBlock.mul(factor(rows, place, which)));
}

/** Minima of a group, float32 lanes, exact. */
export function groupMinima(rows: WeightRows, place: GroupPlace, ofBlock: PrimExpr): PrimExpr {
  return WEIGHT_FORMATS[rows.format].factors === null ? ofBlock : ofBlock.mul(factor(rows, place, 1));
}

function factor(rows: WeightRows, { index, at }: GroupPlace, which: number): PrimExpr {
  const { weight, format, rowBlock, first, lanes } = rows;
  const offset = asExpr(at, "int64").add(blockLayout(format).codeBytes + which * BLOCK_ROWS);
  const bytes = weight.loadVector(lanes, rowBlock, index, offset.add(first));
  const signed = WEIGHT_FORMATS[format].factors === "halves";
  return (signed ? reinterpret(bytes, withLanes("int8", lanes)) : bytes).cast("int32").cast("float32");
}

function scaled(first: ExprLike, by: number): PrimExpr {
  return asExpr(first, "int64").mul(by);
}
