// The key-value part of a GGUF header. Types and layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
import type { GgufCursor } from "./gguf-cursor.js";
import { malformed } from "./malformed-file.js";

/** Numbers of an array keep their type; 64-bit ones are bigint. */
export type GgufNumbers =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigUint64Array
  | BigInt64Array;

/** An array value: numbers (booleans as 0 and 1), strings or arrays. */
export type GgufArray = GgufNumbers | readonly string[] | readonly GgufArray[];

export type GgufValue = number | bigint | boolean | string | GgufArray;

const ARRAY = 9;
const STRING = 8;
const BOOL = 7;
const DEEPEST_ARRAY = 4;
/** Limit of the format on a key's length, bytes. */
const LONGEST_KEY = 65535;

/** How a scalar of each type number reads; string and array are apart. */
const SCALARS: ReadonlyMap<number, (cursor: GgufCursor, what: string) => number | bigint | boolean> = new Map(
  [
    [0, (cursor: GgufCursor, what: string): number | bigint | boolean => cursor.u8(what)],
    [1, (cursor, what) => cursor.i8(what)],
    [2, (cursor, what) => cursor.u16(what)],
    [3, (cursor, what) => cursor.i16(what)],
    [4, (cursor, what) => cursor.u32(what)],
    [5, (cursor, what) => cursor.i32(what)],
    [6, (cursor, what) => cursor.f32(what)],
    [BOOL, (cursor, what) => cursor.bool(what)],
    [10, (cursor, what) => cursor.u64(what)],
    [11, (cursor, what) => cursor.i64(what)],
    [12, (cursor, what) => cursor.f64(what)],
  ],
);

/** Bytes of an element and its typed array, for arrays of numbers. */
const NUMBER_ARRAYS: ReadonlyMap<number, { bytes: number; over(buffer: ArrayBufferLike): GgufNumbers }> =
  new Map([
    [0, { bytes: 1, over: (buffer: ArrayBufferLike): GgufNumbers => new Uint8Array(buffer) }],
    [1, { bytes: 1, over: (buffer) => new Int8Array(buffer) }],
    [2, { bytes: 2, over: (buffer) => new Uint16Array(buffer) }],
    [3, { bytes: 2, over: (buffer) => new Int16Array(buffer) }],
    [4, { bytes: 4, over: (buffer) => new Uint32Array(buffer) }],
    [5, { bytes: 4, over: (buffer) => new Int32Array(buffer) }],
    [6, { bytes: 4, over: (buffer) => new Float32Array(buffer) }],
    [BOOL, { bytes: 1, over: (buffer) => new Uint8Array(buffer) }],
    [10, { bytes: 8, over: (buffer) => new BigUint64Array(buffer) }],
    [11, { bytes: 8, over: (buffer) => new BigInt64Array(buffer) }],
    [12, { bytes: 8, over: (buffer) => new Float64Array(buffer) }],
  ]);

/** The metadata of a GGUF file, with typed access. */
export class GgufMetadata {
  /** File, for messages. */
  readonly where: string;
  readonly #values: ReadonlyMap<string, GgufValue>;

  constructor(where: string, values: ReadonlyMap<string, GgufValue>) {
    this.where = where;
    this.#values = values;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  keys(): Iterable<string> {
    return this.#values.keys();
  }

  /** A text, or undefined where the key is absent. Errors of all getters: ERR_INVALID_MODEL for a value of another kind. */
  text(key: string): string | undefined {
    const value = this.#values.get(key);
    if (value === undefined || typeof value === "string") return value;
    throw this.#wrong(key, "a string", value);
  }

  flag(key: string): boolean | undefined {
    const value = this.#values.get(key);
    if (value === undefined || typeof value === "boolean") return value;
    throw this.#wrong(key, "a boolean", value);
  }

  /** A finite number; integers of 64 bits must be exact. */
  number(key: string): number | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    const number = typeof value === "bigint" ? Number(value) : value;
    if (typeof number !== "number" || !Number.isFinite(number) || Math.abs(number) > Number.MAX_SAFE_INTEGER)
      throw this.#wrong(key, "a number", value);
    return number;
  }

  /** An integer from 0 on. */
  natural(key: string): number | undefined {
    const number = this.number(key);
    if (number !== undefined && (!Number.isInteger(number) || number < 0))
      throw this.#wrong(key, "a natural number", number);
    return number;
  }

  texts(key: string): readonly string[] | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
    throw this.#wrong(key, "an array of strings", value);
  }

  /** Numbers of an array of at most `most` elements: a damaged length could fill the memory. */
  numbers(key: string, most: number): readonly number[] | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    if (!ArrayBuffer.isView(value) || value.length > most)
      throw this.#wrong(key, `an array of at most ${most} numbers`, value);
    return Array.from(value as Iterable<number | bigint>, Number);
  }

  /** Whether the value is an array. */
  isArray(key: string): boolean {
    return typeof this.#values.get(key) === "object";
  }

  #wrong(key: string, expected: string, received: GgufValue): Error {
    const kind = typeof received === "object" ? `an array of ${received.length}` : received;
    return malformed(`${this.where}, key ${key}`, expected, kind);
  }
}

/** Reads `count` key-value pairs. Errors: ERR_INVALID_MODEL. */
export function readMetadata(cursor: GgufCursor, count: number): GgufMetadata {
  const values = new Map<string, GgufValue>();
  for (let i = 0; i < count; i++) {
    const key = cursor.string(`key ${i}`);
    if (key === "" || key.length > LONGEST_KEY)
      throw cursor.malformed(`a key of 1 to ${LONGEST_KEY} bytes`, key);
    if (values.has(key)) throw cursor.malformed("each key once", key);
    values.set(key, readValue(cursor, cursor.u32(`the type of ${key}`), key));
  }
  return new GgufMetadata(cursor.source.name, values);
}

function readValue(cursor: GgufCursor, type: number, key: string): GgufValue {
  if (type === STRING) return cursor.string(key);
  if (type === ARRAY) return readArray(cursor, key, 1);
  const read = SCALARS.get(type);
  if (read === undefined) throw cursor.malformed(`a value type from 0 to 12 for ${key}`, type, 4);
  return read(cursor, key);
}

function readArray(cursor: GgufCursor, key: string, depth: number): GgufArray {
  const type = cursor.u32(`the element type of ${key}`);
  if (type === STRING) {
    const count = cursor.count(`the length of ${key}`, 8);
    return readList(count, () => cursor.string(key));
  }
  if (type === ARRAY) {
    if (depth >= DEEPEST_ARRAY)
      throw cursor.malformed(`at most ${DEEPEST_ARRAY} nested arrays in ${key}`, depth + 1);
    const count = cursor.count(`the length of ${key}`, 12);
    return readList(count, () => readArray(cursor, key, depth + 1));
  }
  const numbers = NUMBER_ARRAYS.get(type);
  if (numbers === undefined) throw cursor.malformed(`an element type from 0 to 12 for ${key}`, type, 4);
  const count = cursor.count(`the length of ${key}`, numbers.bytes);
  return numbers.over(cursor.bytes(count * numbers.bytes, key).buffer);
}

/** Grows with what is really read, whatever the file claims. */
function readList<T>(count: number, read: () => T): T[] {
  const list: T[] = [];
  for (let i = 0; i < count; i++) list.push(read());
  return list;
}
