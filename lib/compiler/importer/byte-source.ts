// Where the importer's bytes come from: a mapped file, a file read in pieces, or memory (tests). Nothing above this file
// knows which.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { MlcError } from "../../errors.js";

/** Random access to the bytes of one model file. */
export interface ByteSource {
  /** Path of the file, for messages. */
  readonly name: string;
  readonly byteLength: number;
  /**
   * The bytes `[offset, offset + length)`: a view where the source is in memory or mapped, else a copy.
   * Errors: ERR_INVALID_MODEL beyond the end, ERR_IO where reading fails, ERR_DISPOSED after `close`.
   */
  view(offset: number, length: number): Uint8Array;
  /** Lets go of the file; views handed out before stay valid. */
  close(): void;
}

/** Opens a file for the importer. Errors: ERR_MODEL_NOT_FOUND, ERR_IO. */
export type OpenBytes = (path: string) => ByteSource;

/** A source over bytes already in memory or mapped. */
export class MemorySource implements ByteSource {
  readonly name: string;
  readonly byteLength: number;
  #bytes: Uint8Array | undefined;

  constructor(bytes: Uint8Array, name = "(memory)") {
    this.#bytes = bytes;
    this.name = name;
    this.byteLength = bytes.byteLength;
  }

  view(offset: number, length: number): Uint8Array {
    if (this.#bytes === undefined) throw closed(this.name);
    checkRange(this, offset, length);
    return this.#bytes.subarray(offset, offset + length);
  }

  close(): void {
    this.#bytes = undefined;
  }
}

/** A source that reads each view from the file: for files larger than one array can be, and for tests without the addon. */
export class FileSource implements ByteSource {
  readonly name: string;
  readonly byteLength: number;
  #descriptor: number | undefined;

  /** Errors: ERR_MODEL_NOT_FOUND, ERR_IO. */
  constructor(path: string) {
    this.name = path;
    try {
      this.#descriptor = openSync(path, "r");
      this.byteLength = fstatSync(this.#descriptor).size;
    } catch (cause) {
      throw openFailure(path, cause);
    }
  }

  view(offset: number, length: number): Uint8Array {
    if (this.#descriptor === undefined) throw closed(this.name);
    checkRange(this, offset, length);
    const bytes = new Uint8Array(length);
    try {
      let done = 0;
      while (done < length) {
        const count = readSync(
          this.#descriptor,
          bytes,
          done,
          Math.min(length - done, 1 << 30),
          offset + done,
        );
        if (count === 0) throw new Error(`the file ends at byte ${offset + done}`);
        done += count;
      }
    } catch (cause) {
      throw openFailure(this.name, cause);
    }
    return bytes;
  }

  close(): void {
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/** Opens a file by positioned reads, no mapping. */
export function openByReading(path: string): ByteSource {
  return new FileSource(path);
}

/** The error for a file that cannot be opened or read. */
export function openFailure(path: string, cause: unknown): MlcError {
  if (cause instanceof MlcError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const missing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
  return missing
    ? new MlcError("ERR_MODEL_NOT_FOUND", `Expected a file at ${path} but there is none.`, {
        cause,
        details: { path },
      })
    : new MlcError("ERR_IO", `Expected to read ${path} but the system said: ${reason}.`, {
        cause,
        details: { path },
      });
}

function checkRange(source: ByteSource, offset: number, length: number): void {
  const valid = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (valid && offset + length <= source.byteLength) return;
  throw new MlcError(
    "ERR_INVALID_MODEL",
    `Expected ${length} bytes at offset ${offset} of ${source.name} but the file has ${source.byteLength} bytes: it is truncated or damaged, fetch it again.`,
    { details: { path: source.name, offset, length, byteLength: source.byteLength } },
  );
}

function closed(name: string): MlcError {
  return new MlcError("ERR_DISPOSED", `Expected an open model but ${name} was closed.`);
}
