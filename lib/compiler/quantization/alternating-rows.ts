import { MlcError } from "../../errors.js";
import type { SourceDtype, SourceTensor } from "../importer/imported-model.js";
import { BLOCK_ROWS } from "./format.js";

/**
 * Matrices of one shape and type as one tensor whose rows take turns, 16 at a time: packed into row blocks, the matrices then lie in
 * memory as one stream in the order in which a kernel needs them.
 */
export class AlternatingRows implements SourceTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: SourceDtype;
  readonly #parts: readonly SourceTensor[];

  /**
   * @param parts at least one; rows a multiple of 16.
   * Errors: ERR_INVALID_ARGUMENT for parts that do not go together.
   */
  constructor(name: string, parts: readonly SourceTensor[]) {
    const [first] = parts;
    if (first === undefined || !canAlternate(parts)) {
      const received = parts.map(({ dtype, shape }) => `${dtype} [${shape.join(", ")}]`).join(" and ");
      throw new MlcError(
        "ERR_INVALID_ARGUMENT",
        `Expected matrices of one shape and type with a multiple of ${BLOCK_ROWS} rows for ${name} but received ${received}.`,
      );
    }
    const [rows = 0, columns = 0] = first.shape;
    this.name = name;
    this.shape = [rows * parts.length, columns];
    this.dtype = first.dtype;
    this.#parts = parts;
  }

  /** A copy. */
  bytes(): Uint8Array {
    const parts = this.#parts.map((part) => part.bytes());
    const size = parts[0]?.byteLength ?? 0;
    const blockBytes = (size / this.#rowsOfPart()) * BLOCK_ROWS;
    const ordered = new Uint8Array(size * parts.length);
    let to = 0;
    for (let from = 0; from < size; from += blockBytes)
      for (const part of parts) {
        ordered.set(part.subarray(from, from + blockBytes), to);
        to += blockBytes;
      }
    return ordered;
  }

  readRows(start: number, count: number): Float32Array {
    const columns = this.shape[1] ?? 0;
    const out = new Float32Array(count * columns);
    for (let row = start; row < start + count; ) {
      const block = Math.floor(row / BLOCK_ROWS);
      const part = this.#parts[block % this.#parts.length] as SourceTensor;
      const inBlock = row % BLOCK_ROWS;
      const rows = Math.min(BLOCK_ROWS - inBlock, start + count - row);
      const from = Math.floor(block / this.#parts.length) * BLOCK_ROWS + inBlock;
      out.set(part.readRows(from, rows), (row - start) * columns);
      row += rows;
    }
    return out;
  }

  #rowsOfPart(): number {
    return (this.shape[0] ?? 0) / this.#parts.length;
  }
}

/** Whether the rows of matrices can take turns. */
export function canAlternate(parts: readonly Pick<SourceTensor, "shape" | "dtype">[]): boolean {
  const [first] = parts;
  const rows = first?.shape[0] ?? 0;
  return (
    rows % BLOCK_ROWS === 0 &&
    parts.every(({ shape, dtype }) => dtype === first?.dtype && shape.join() === first.shape.join())
  );
}
