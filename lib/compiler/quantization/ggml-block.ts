/**
 * ggml's blocks to row blocks, code for code and scale for scale: how a quantised source is kept. The bits of four codes are moved
 * at a time. Layouts: ggml-common.h (block_q4_0 to block_q6_K), as ggml-blocks.ts and ggml-k-blocks.ts of the importer tell them.
 */
import { MlcError } from "../../errors.js";
import { subBlockMinimum, subBlockScale } from "../importer/ggml-k-blocks.js";
import { BLOCK_SIZES } from "../importer/ggml-types.js";
import { halfToFloat } from "../importer/half-float.js";
import { GROUP_SIZE } from "./format.js";
import { GROUP_FACTORS, type QuantizedFormat, type RowBlock } from "./row-block.js";

/** Raw data of a tensor, to read by bytes and by words. */
export class GgmlBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}

/** Reads the codes (and factors) of the ggml block at byte `at` into those of block `index` of `to`. */
type CodeReader = (from: GgmlBytes, at: number, to: RowBlock, index: number) => void;

/** How ggml stores what a format of ours stores. */
interface GgmlBlock {
  /** Byte offset of the half-precision scale, and of the minimum where there is one. */
  readonly scaleAt: number;
  readonly minimumAt?: number;
  /** Factor of the minimum, -1 where it is subtracted; default 1. */
  readonly minimumSign?: number;
  readonly read: CodeReader;
}

const BLOCKS = {
  q4_0: { scaleAt: 0, read: nibbleReader(2) },
  q4_1: { scaleAt: 0, minimumAt: 2, read: nibbleReader(4) },
  q5_0: { scaleAt: 0, read: fiveBitReader(2) },
  q5_1: { scaleAt: 0, minimumAt: 2, read: fiveBitReader(4) },
  q8_0: { scaleAt: 0, read: readQ80 },
  q4_k: { scaleAt: 0, minimumAt: 2, minimumSign: -1, read: readQ4K },
  q5_k: { scaleAt: 0, minimumAt: 2, minimumSign: -1, read: readQ5K },
  q6_k: { scaleAt: 208, read: readQ6K },
} as const satisfies Partial<Record<QuantizedFormat, GgmlBlock>>;

/** Formats that exist in GGUF files with the numerics of ours. */
export type GgmlFormat = keyof typeof BLOCKS;

/** Whether a source tensor of this type can have the numbers of `format`. */
export function isGgmlFormat(format: QuantizedFormat): format is GgmlFormat {
  return Object.hasOwn(BLOCKS, format);
}

/** Bytes of one row of `columns` values (a multiple of the block's). */
export function ggmlRowBytes(format: GgmlFormat, columns: number): number {
  const { values, bytes } = BLOCK_SIZES[format];
  return (columns / values) * bytes;
}

/**
 * Copies `rows` rows that start at byte `at` of `from` into rows 0.. of `block`, whose format names the ggml type.
 * Errors: ERR_INVALID_MODEL for a scale that is no finite number.
 */
export function readGgmlRows(
  from: GgmlBytes,
  at: number,
  block: RowBlock,
  rows: number,
  format: GgmlFormat,
): void {
  const { scaleAt, minimumAt, minimumSign = 1, read }: GgmlBlock = BLOCKS[format];
  const stride = BLOCK_SIZES[format].bytes;
  const count = rows * block.blocks;
  for (let index = 0, offset = at; index < count; index++, offset += stride) {
    const scale = readHalf(from, offset + scaleAt);
    const minimum = minimumAt === undefined ? 0 : minimumSign * readHalf(from, offset + minimumAt);
    if (!Number.isFinite(scale) || !Number.isFinite(minimum)) {
      throw new MlcError(
        "ERR_INVALID_MODEL",
        `Expected finite scales in a ${format} block but received ${scale} and ${minimum}: the source file is damaged.`,
      );
    }
    block.scales[index] = scale;
    block.minima[index] = minimum;
    read(from, offset, block, index);
  }
}

function readHalf({ view }: GgmlBytes, at: number): number {
  return halfToFloat(view.getUint16(at, true));
}

/** Words of four codes in a group, in a half of it, and in a block of 256 columns. */
const GROUP_WORDS = GROUP_SIZE / 4;
const HALF_WORDS = GROUP_WORDS / 2;
const SUPER_WORDS = 8 * GROUP_WORDS;

/** The low nibble of every byte of a word; its lowest bit; its lowest two. */
const NIBBLES = 0x0f0f0f0f;
const ONES = 0x01010101;
const PAIRS = 0x03030303;

/** 16 bytes at `codesAt`: low nibbles are values 0 to 15, high nibbles values 16 to 31. */
function nibbleReader(codesAt: number): CodeReader {
  return ({ view }, at, { codeWords }, index) => {
    const to = index * GROUP_WORDS;
    for (let i = 0; i < HALF_WORDS; i++) {
      const word = view.getUint32(at + codesAt + 4 * i, true);
      codeWords[to + i] = word & NIBBLES;
      codeWords[to + HALF_WORDS + i] = (word >>> 4) & NIBBLES;
    }
  };
}

/** 32 fifth bits in order of the values at `bitsAt`, then nibbles. */
function fiveBitReader(bitsAt: number): CodeReader {
  const readNibbles = nibbleReader(bitsAt + 4);
  return (from, at, block, index) => {
    readNibbles(from, at, block, index);
    const bits = from.view.getUint32(at + bitsAt, true);
    const to = index * GROUP_WORDS;
    for (let i = 0; i < GROUP_WORDS; i++) {
      // The product has bit j of the four at bits j, j + 7, j + 14 and j + 21: one of them is the lowest of byte j.
      const spread = Math.imul((bits >>> (4 * i)) & 15, 0x00204081) & ONES;
      block.codeWords[to + i] = (block.codeWords[to + i] as number) | (spread << 4);
    }
  };
}

/** 32 signed bytes. */
function readQ80({ view }: GgmlBytes, at: number, { codeWords }: RowBlock, index: number): void {
  const to = index * GROUP_WORDS;
  for (let i = 0; i < GROUP_WORDS; i++) codeWords[to + i] = view.getUint32(at + 2 + 4 * i, true);
}

/** 12 bytes of six-bit scales and minima, then nibbles: 64 values from 32 bytes, the low ones first. */
function readQ4K(from: GgmlBytes, at: number, block: RowBlock, index: number): void {
  readFactors(from, at + 4, block, index);
  readNibblePairs(from, at + 16, block, index);
}

/** As q4_k, with 32 bytes of fifth bits (bit g: group g) before the nibbles. */
function readQ5K(from: GgmlBytes, at: number, block: RowBlock, index: number): void {
  readFactors(from, at + 4, block, index);
  readNibblePairs(from, at + 48, block, index);
  const { codeWords } = block;
  for (let i = 0; i < GROUP_WORDS; i++) {
    const bits = from.view.getUint32(at + 16 + 4 * i, true);
    for (let group = 0; group < 8; group++) {
      const to = index * SUPER_WORDS + group * GROUP_WORDS + i;
      codeWords[to] = (codeWords[to] as number) | (((bits >>> group) & ONES) << 4);
    }
  }
}

function readFactors({ bytes }: GgmlBytes, at: number, { factors }: RowBlock, index: number): void {
  const to = index * 8 * GROUP_FACTORS;
  for (let group = 0; group < 8; group++) {
    factors[to + group * GROUP_FACTORS] = subBlockScale(bytes, at, group);
    factors[to + group * GROUP_FACTORS + 1] = subBlockMinimum(bytes, at, group);
  }
}

function readNibblePairs({ view }: GgmlBytes, at: number, { codeWords }: RowBlock, index: number): void {
  for (let pair = 0; pair < 4; pair++) {
    const to = index * SUPER_WORDS + pair * 2 * GROUP_WORDS;
    for (let i = 0; i < GROUP_WORDS; i++) {
      const word = view.getUint32(at + pair * 32 + 4 * i, true);
      codeWords[to + i] = word & NIBBLES;
      codeWords[to + GROUP_WORDS + i] = (word >>> 4) & NIBBLES;
    }
  }
}

/**
 * 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed scales. Of each half of 128 values: low nibbles of 64 bytes are
 * values 0 to 63, high nibbles 64 to 127; bit pair k of 32 bytes is values 32k to 32k + 31.
 */
function readQ6K(
  { view, bytes }: GgmlBytes,
  at: number,
  { codeWords, factors }: RowBlock,
  index: number,
): void {
  for (let half = 0; half < 2; half++) {
    const to = index * SUPER_WORDS + half * 4 * GROUP_WORDS;
    for (let i = 0; i < GROUP_WORDS; i++) {
      const first = view.getUint32(at + half * 64 + 4 * i, true);
      const second = view.getUint32(at + half * 64 + 32 + 4 * i, true);
      const high = view.getUint32(at + 128 + half * 32 + 4 * i, true);
      codeWords[to + i] = (first & NIBBLES) | ((high & PAIRS) << 4);
      codeWords[to + GROUP_WORDS + i] = (second & NIBBLES) | (((high >>> 2) & PAIRS) << 4);
      codeWords[to + 2 * GROUP_WORDS + i] = ((first >>> 4) & NIBBLES) | (((high >>> 4) & PAIRS) << 4);
      codeWords[to + 3 * GROUP_WORDS + i] = ((second >>> 4) & NIBBLES) | (((high >>> 6) & PAIRS) << 4);
    }
  }
  for (let i = 0; i < 16; i++) factors[index * 16 + i] = bytes[at + 192 + i] as number;
}
