// Bytes of device modules, as they lie in compiled libraries.
/** Little-endian, with the lengths that TVM's serialisation puts before texts and lists. */
export class Serialised {
  readonly #parts: Buffer[] = [];

  count(value: number): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return this.raw(bytes);
  }

  text(value: string): this {
    return this.count(Buffer.byteLength(value)).raw(Buffer.from(value));
  }

  raw(bytes: Buffer): this {
    this.#parts.push(bytes);
    return this;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
