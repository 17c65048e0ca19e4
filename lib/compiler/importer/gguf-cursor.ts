// Sequential little-endian reading of a GGUF header, with every length checked against the file before anything is allocated.
import type { ByteSource } from "./byte-source.js";
import { malformed } from "./malformed-file.js";

/** Bytes looked at together; a header larger than this is read window by window. */
const WINDOW_BYTES = 1 << 20;

/** Longest string: chat templates and single tokens are far shorter. */
const LONGEST_STRING = 64 * 1024 * 1024;

export class GgufCursor {
  readonly source: ByteSource;
  /** Offset of the next byte in the file. */
  offset = 0;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;

  constructor(source: ByteSource) {
    this.source = source;
  }

  /** Bytes from here to the end of the file. */
  get remaining(): number {
    return this.source.byteLength - this.offset;
  }

  u8(what: string): number {
    const at = this.#take(1, what);
    return this.#window.readUInt8(at);
  }

  i8(what: string): number {
    const at = this.#take(1, what);
    return this.#window.readInt8(at);
  }

  u16(what: string): number {
    const at = this.#take(2, what);
    return this.#window.readUInt16LE(at);
  }

  i16(what: string): number {
    const at = this.#take(2, what);
    return this.#window.readInt16LE(at);
  }

  u32(what: string): number {
    const at = this.#take(4, what);
    return this.#window.readUInt32LE(at);
  }

  i32(what: string): number {
    const at = this.#take(4, what);
    return this.#window.readInt32LE(at);
  }

  f32(what: string): number {
    const at = this.#take(4, what);
    return this.#window.readFloatLE(at);
  }

  u64(what: string): bigint {
    const at = this.#take(8, what);
    return this.#window.readBigUInt64LE(at);
  }

  i64(what: string): bigint {
    const at = this.#take(8, what);
    return this.#window.readBigInt64LE(at);
  }

  f64(what: string): number {
    const at = this.#take(8, what);
    return this.#window.readDoubleLE(at);
  }

  bool(what: string): boolean {
    const value = this.u8(what);
    if (value > 1) throw this.malformed(`0 or 1 for ${what}`, value);
    return value === 1;
  }

  /** A string: u64 length, UTF-8 bytes. */
  string(what: string): string {
    const length = this.count(`the length of ${what}`, 1, LONGEST_STRING);
    const at = this.#take(length, what);
    return this.#window.toString("utf8", at, at + length);
  }

  /**
   * A u64 number of things that follow, each of at least `smallest` bytes: refused where the rest of the file cannot hold them.
   */
  count(what: string, smallest: number, most: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.u64(what);
    const possible = Math.min(most, Math.floor(this.remaining / smallest));
    if (value > BigInt(possible)) throw this.malformed(`at most ${possible} for ${what}`, value, 8);
    return Number(value);
  }

  /** A copy of the next bytes, aligned for any typed array. */
  bytes(length: number, what: string): Uint8Array {
    if (length > this.remaining)
      throw this.malformed(`${length} bytes of ${what}`, `${this.remaining} bytes of file`);
    const copy = this.source.view(this.offset, length).slice();
    this.offset += length;
    return copy;
  }

  /** An error at this place (or `back` bytes before it). */
  malformed(expected: string, received: unknown, back = 0): Error {
    return malformed(`${this.source.name} at offset ${this.offset - back}`, expected, received);
  }

  /** Makes `length` bytes readable, moves past them and returns where they are in the window, which may be another one now. */
  #take(length: number, what: string): number {
    if (length > this.remaining)
      throw this.malformed(`${length} bytes of ${what}`, `${this.remaining} bytes of file`);
    const inWindow = this.offset - this.#windowStart;
    if (inWindow + length > this.#window.byteLength) {
      const bytes = this.source.view(this.offset, Math.max(length, Math.min(WINDOW_BYTES, this.remaining)));
      this.#window = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.#windowStart = this.offset;
    }
    const at = this.offset - this.#windowStart;
    this.offset += length;
    return at;
  }
}
