import { MlcError } from "../../errors.js";
import type { ByteSource } from "./byte-source.js";
import { BLOCK_DECODERS } from "./dequantize.js";
import { BLOCK_SIZES, type SourceDtype } from "./ggml-types.js";

/** One tensor of a model file, read when it is asked for. */
export interface SourceTensor {
  /** Hugging Face name. */
  readonly name: string;
  /** [N, K] of a matrix (row-major, N outputs), [N] of a vector. */
  readonly shape: readonly number[];
  readonly dtype: SourceDtype;
  /**
   * The raw data, row-major, rows in Hugging Face order: a view of the mapped file, or a copy where rows had to be reordered.
   * Errors: ERR_IO, ERR_DISPOSED.
   */
  bytes(): Uint8Array;
  /**
   * Rows `start` to `start + count - 1` as float32 [count, K] ([count] of a vector), dequantised exactly.
   * Errors: ERR_INVALID_ARGUMENT for rows that are not there, ERR_IO, ERR_DISPOSED.
   */
  readRows(start: number, count: number): Float32Array;
}

/** Where a tensor lies. */
export interface TensorPlace {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: SourceDtype;
  readonly source: ByteSource;
  /** Byte offset in the source. */
  readonly offset: number;
  /** Stored row of each row, where the file has another order. */
  readonly rowOrder?: Uint32Array;
}

/** Bytes of a tensor; its columns must be whole blocks. */
export function tensorBytes(shape: readonly number[], dtype: SourceDtype): number {
  const block = BLOCK_SIZES[dtype];
  return (shape.reduce((product, size) => product * size, 1) / block.values) * block.bytes;
}

/** A tensor inside a file. */
export class FileTensor implements SourceTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: SourceDtype;
  readonly #place: TensorPlace;
  readonly #rows: number;
  readonly #width: number;
  readonly #rowBytes: number;

  constructor(place: TensorPlace) {
    this.name = place.name;
    this.shape = place.shape;
    this.dtype = place.dtype;
    this.#place = place;
    // The elements of a vector are its rows.
    this.#width = place.shape.length > 1 ? (place.shape.at(-1) ?? 1) : 1;
    const elements = place.shape.reduce((product, size) => product * size, 1);
    this.#rows = this.#width === 0 ? 0 : elements / this.#width;
    this.#rowBytes = tensorBytes([this.#width], place.dtype);
  }

  bytes(): Uint8Array {
    const { source, offset, rowOrder } = this.#place;
    const stored = source.view(offset, this.#rows * this.#rowBytes);
    if (rowOrder === undefined) return stored;
    const ordered = new Uint8Array(stored.byteLength);
    for (let row = 0; row < this.#rows; row++) {
      const from = (rowOrder[row] as number) * this.#rowBytes;
      ordered.set(stored.subarray(from, from + this.#rowBytes), row * this.#rowBytes);
    }
    return ordered;
  }

  readRows(start: number, count: number): Float32Array {
    this.#checkRows(start, count);
    const { source, offset, rowOrder } = this.#place;
    const decode = BLOCK_DECODERS[this.dtype];
    const rowBlocks = this.#width / BLOCK_SIZES[this.dtype].values;
    const out = new Float32Array(count * this.#width);
    if (rowOrder === undefined) {
      const bytes = source.view(offset + start * this.#rowBytes, count * this.#rowBytes);
      decode(bytes, 0, count * rowBlocks, out, 0);
      return out;
    }
    for (let i = 0; i < count; i++) {
      const from = (rowOrder[start + i] as number) * this.#rowBytes;
      decode(source.view(offset + from, this.#rowBytes), 0, rowBlocks, out, i * this.#width);
    }
    return out;
  }

  #checkRows(start: number, count: number): void {
    const whole = Number.isInteger(start) && Number.isInteger(count) && start >= 0 && count >= 0;
    if (whole && start + count <= this.#rows) return;
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected rows within 0 to ${this.#rows} of ${this.name} but received ${count} rows from ${start}.`,
    );
  }
}
