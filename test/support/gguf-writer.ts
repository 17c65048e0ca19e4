/** Writes small GGUF files for tests: any metadata, any tensors, and (for bad-input tests) any wrong value in their place. */

/** Value types of the format, by number. */
export const GgufType = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
} as const;

export type GgufTypeName = keyof typeof GgufType;

/** A metadata value with its type: ["u32", 5], ["string", "llama"], ["array", "string", ["a", "b"]]. */
export type WrittenValue =
  | readonly [Exclude<GgufTypeName, "array">, number | bigint | boolean | string]
  | readonly ["array", GgufTypeName, readonly unknown[]];

export interface WrittenTensor {
  readonly name: string;
  /** As in the file: columns first. */
  readonly dimensions: readonly number[];
  /** ggml type number. */
  readonly type: number;
  readonly data: Uint8Array;
  /** Instead of the right offset. */
  readonly offset?: number;
}

export interface WrittenGguf {
  readonly version?: number;
  readonly alignment?: number;
  readonly metadata: Readonly<Record<string, WrittenValue>>;
  readonly tensors?: readonly WrittenTensor[];
}

/** The bytes of a GGUF file. */
export function writeGguf({ version = 3, alignment = 32, metadata, tensors = [] }: WrittenGguf): Uint8Array {
  const header = new ByteWriter();
  header.text("GGUF");
  header.number("u32", version);
  header.number("u64", tensors.length);
  header.number("u64", Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    header.string(key);
    header.value(value);
  }
  const data = new ByteWriter();
  for (const { name, dimensions, type, data: bytes, offset } of tensors) {
    data.pad(alignment);
    header.string(name);
    header.number("u32", dimensions.length);
    for (const size of dimensions) header.number("u64", size);
    header.number("u32", type);
    header.number("u64", offset ?? data.length);
    data.raw(bytes);
  }
  header.pad(alignment);
  header.raw(data.bytes());
  return header.bytes();
}

class ByteWriter {
  #parts: Uint8Array[] = [];
  length = 0;

  raw(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.length += bytes.byteLength;
  }

  text(text: string): void {
    this.raw(new TextEncoder().encode(text));
  }

  pad(alignment: number): void {
    this.raw(new Uint8Array((alignment - (this.length % alignment)) % alignment));
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.number("u64", bytes.byteLength);
    this.raw(bytes);
  }

  value(value: WrittenValue): void {
    this.number("u32", GgufType[value[0]]);
    this.element(value[0], value[0] === "array" ? value.slice(1) : value[1]);
  }

  element(type: GgufTypeName, value: unknown): void {
    if (type === "string") this.string(String(value));
    else if (type === "array") this.array(value as readonly [GgufTypeName, readonly unknown[]]);
    else this.number(type, typeof value === "bigint" ? value : Number(value));
  }

  array([type, items]: readonly [GgufTypeName, readonly unknown[]]): void {
    this.number("u32", GgufType[type]);
    this.number("u64", items.length);
    for (const item of items) this.element(type, item);
  }

  number(type: Exclude<GgufTypeName, "string" | "array">, value: number | bigint): void {
    const view = new DataView(new ArrayBuffer(8));
    const number = Number(value);
    const sizes = { u8: 1, i8: 1, bool: 1, u16: 2, i16: 2, u32: 4, i32: 4, f32: 4, u64: 8, i64: 8, f64: 8 };
    if (type === "f32") view.setFloat32(0, number, true);
    else if (type === "f64") view.setFloat64(0, number, true);
    else view.setBigInt64(0, BigInt.asIntN(64, BigInt(value)), true);
    this.raw(new Uint8Array(view.buffer, 0, sizes[type]));
  }

  bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#parts));
  }
}
