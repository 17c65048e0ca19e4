/**
 * The packer: one source tensor to the bytes of its parameter in the package, in one pass over 16 rows at a time.
 * Input: a source tensor (memory-mapped) and the format its scheme chose. Output: chunks of about a megabyte in file order; no more
 * than one chunk and 16 rows are in memory. A ggml tensor whose type is the format itself keeps its codes and scales bit for bit.
 */
import { MlcError } from "../../errors.js";
import { roundToHalf } from "../importer/half-float.js";
import type { SourceTensor } from "../importer/imported-model.js";
import { roundToBfloat } from "./bfloat.js";
import {
  BLOCK_ROWS,
  GROUP_SIZE,
  isQuantized,
  packedBytes,
  packedShape,
  type WeightFormat,
} from "./format.js";
import { GgmlBytes, type GgmlFormat, ggmlRowBytes, isGgmlFormat, readGgmlRows } from "./ggml-block.js";
import { GROUP_QUANTIZERS, isQuantizable, type QuantizableFormat } from "./group-quantizers.js";
import { interleaveBfloats, interleaveFloats, interleaveRowBlock } from "./interleave.js";
import { type QuantizedFormat, RowBlock } from "./row-block.js";

/** What a parameter is stored as: a linear weight in some format or a plain float32 vector. */
export type ParamFormat = WeightFormat | "vector";

/** How much of a tensor its format lost. */
export interface PackedLoss {
  readonly tensor: string;
  readonly from: SourceTensor["dtype"];
  readonly to: ParamFormat;
  /** Root of the squared error over the squared weights; 0 where every value is stored exactly. */
  readonly relativeError: number;
}

export interface PackOptions {
  /** Called once at the end, for every tensor. */
  onLoss?(loss: PackedLoss): void;
  /** Called after each chunk with the rows done and the rows of the tensor. */
  onProgress?(done: number, total: number): void;
}

const CHUNK_BYTES = 1 << 20;

/**
 * Packs a tensor: [rows, columns] into blocks of 16 rows, [length] ("vector") into float32.
 * A chunk is valid until the next one is asked for. Errors: ERR_INVALID_MODEL for weights that are not finite or do not fit the format
 * (beyond 65504 in half precision), ERR_INVALID_ARGUMENT for columns the format cannot hold.
 */
export function* packTensor(
  source: SourceTensor,
  format: ParamFormat,
  options: PackOptions = {},
): Generator<Uint8Array, void, undefined> {
  const loss = new LossMeter();
  if (format === "vector") {
    yield* packVector(source);
  } else {
    const [rows, columns] = matrixShape(source);
    const pack = rowPacker(source, format, columns, loss);
    const blockBytes = packedBytes(format, BLOCK_ROWS, columns);
    const blocks = Math.ceil(rows / BLOCK_ROWS);
    const blocksPerChunk = Math.max(1, Math.min(blocks, Math.floor(CHUNK_BYTES / blockBytes)));
    const chunk = new Uint8Array(blocksPerChunk * blockBytes);
    for (let first = 0; first < blocks; first += blocksPerChunk) {
      const count = Math.min(blocksPerChunk, blocks - first);
      for (let i = 0; i < count; i++) {
        const row = (first + i) * BLOCK_ROWS;
        pack(row, Math.min(BLOCK_ROWS, rows - row), chunk, i * blockBytes);
      }
      yield chunk.subarray(0, count * blockBytes);
      options.onProgress?.(Math.min(rows, (first + count) * BLOCK_ROWS), rows);
    }
  }
  options.onLoss?.({
    tensor: source.name,
    from: source.dtype,
    to: format,
    relativeError: loss.relativeError(),
  });
}

/** Writes rows `row` to `row + count - 1` (padded to 16) to `out[at]`. */
type RowPacker = (row: number, count: number, out: Uint8Array, at: number) => void;

function rowPacker(source: SourceTensor, format: WeightFormat, columns: number, loss: LossMeter): RowPacker {
  packedShape(format, BLOCK_ROWS, columns);
  if (!isQuantized(format)) return floatPacker(source, format as FloatFormat, columns, loss);
  const quantized = format as QuantizedFormat;
  if (isGgmlFormat(quantized) && source.dtype === quantized) return keepingPacker(source, quantized, columns);
  if (isQuantizable(quantized)) return quantizingPacker(source, quantized, columns, loss);
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected a source in ${format}, which is only taken over, but received ${source.dtype} for ${source.name}: choose a format with a quantiser.`,
  );
}

function keepingPacker(source: SourceTensor, format: GgmlFormat, columns: number): RowPacker {
  const block = new RowBlock(format, columns);
  const rowBytes = ggmlRowBytes(format, columns);
  const bytes = new GgmlBytes(source.bytes());
  return (row, count, out, at) => {
    readGgmlRows(bytes, row * rowBytes, block, count, format);
    if (count < BLOCK_ROWS) block.clearRows(count);
    interleaveRowBlock(block, out, at);
  };
}

function quantizingPacker(
  source: SourceTensor,
  format: QuantizableFormat,
  columns: number,
  loss: LossMeter,
): RowPacker {
  const block = new RowBlock(format, columns);
  const quantize = GROUP_QUANTIZERS[format];
  const restored = new Float32Array(GROUP_SIZE);
  return (row, count, out, at) => {
    const values = source.readRows(row, count);
    for (let group = 0; group < count * block.groups; group++) {
      const start = group * GROUP_SIZE;
      quantize(values, start, block, group);
      block.dequantizeGroup(group, restored);
      loss.addGroup(values, start, restored);
    }
    // An infinity or a NaN, in the weights or in an overflowing scale, is now in the sums.
    if (!loss.isFinite()) throw notStorable(source, format);
    if (count < BLOCK_ROWS) block.clearRows(count);
    interleaveRowBlock(block, out, at);
  };
}

type FloatFormat = Exclude<WeightFormat, QuantizedFormat>;

/** How the formats of 16 bits round a float32. */
const ROUND = { f16: roundToHalf, bf16: roundToBfloat } as const;

function floatPacker(source: SourceTensor, format: FloatFormat, columns: number, loss: LossMeter): RowPacker {
  const staging =
    format === "f32" ? new Float32Array(BLOCK_ROWS * columns) : new Uint16Array(BLOCK_ROWS * columns);
  const stagingBytes = new Uint8Array(staging.buffer);
  return (row, count, out, at) => {
    const values = source.readRows(row, count);
    const finite =
      format === "bf16"
        ? interleaveBfloats(values, count, columns, staging as Uint16Array)
        : interleaveFloats(values, count, columns, staging, 0);
    if (!finite) throw notStorable(source, format);
    if (format !== "f32" && source.dtype !== format) loss.addRounded(values, ROUND[format]);
    out.set(stagingBytes, at);
  };
}

function* packVector(source: SourceTensor): Generator<Uint8Array, void, undefined> {
  const values = source.readRows(0, source.shape[0] ?? 0);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) throw notStorable(source, "vector");
  }
  yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function matrixShape(source: SourceTensor): [number, number] {
  const [rows, columns, ...rest] = source.shape;
  if (rows === undefined || columns === undefined || rest.length > 0) {
    throw new MlcError(
      "ERR_INVALID_MODEL",
      `Expected a matrix [rows, columns] for ${source.name} but received shape [${source.shape}]: store it as a vector.`,
    );
  }
  return [rows, columns];
}

function notStorable(source: SourceTensor, format: ParamFormat): MlcError {
  return new MlcError(
    "ERR_INVALID_MODEL",
    `Expected finite weights that ${format} can hold in ${source.name} (${source.dtype}) but received a value that is not a number or too large: check the source, or use the quantization q0f32.`,
    { details: { tensor: source.name, format } },
  );
}

/** Sums of squared errors and squared weights of one tensor. */
class LossMeter {
  private errors = 0;
  private squares = 0;

  addGroup(values: Float32Array, at: number, restored: Float32Array): void {
    let errors = 0;
    let squares = 0;
    for (let i = 0; i < GROUP_SIZE; i++) {
      const value = values[at + i] as number;
      const error = value - (restored[i] as number);
      errors += error * error;
      squares += value * value;
    }
    this.errors += errors;
    this.squares += squares;
  }

  addRounded(values: Float32Array, round: (value: number) => number): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      const error = value - round(value);
      this.errors += error * error;
      this.squares += value * value;
    }
  }

  isFinite(): boolean {
    return Number.isFinite(this.errors) && Number.isFinite(this.squares);
  }

  relativeError(): number {
    return this.squares === 0 ? 0 : Math.sqrt(this.errors / this.squares);
  }
}
