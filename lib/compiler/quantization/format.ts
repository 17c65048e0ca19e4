/**
 * The weight formats as the compiler sees them. The layout is a contract between compiler and engine, so its table stands in
 * lib/package/weight-format.ts; this leaf is the one place where the compiler's rooms import it from.
 */
export {
  BLOCK_ROWS,
  blockLayout,
  GROUP_SIZE,
  isQuantized,
  packedBytes,
  packedDtype,
  packedShape,
  WEIGHT_FORMATS,
  type WeightFormat,
  type WeightFormatInfo,
} from "../../package/weight-format.js";
