/** Random quantised blocks: every bit of the codes is drawn, the scales are such that a weight's standard deviation is 0.02. */
import { BLOCK_SIZES, type SourceDtype } from "../../lib/compiler/importer/ggml-types.js";
import { floatToHalf } from "../../lib/compiler/importer/half-float.js";

/** Standard deviation of the weights, as of trained models of these sizes. */
const WEIGHT_DEVIATION = 0.02;
/** Scales a table has; a power of two. */
const SCALES = 1024;

/** A seeded stream of 32-bit words (Marsaglia's xorshift128): about a nanosecond a word, which 700 MB of weights need. */
export class WordStream {
  #x: number;
  #y = 362436069;
  #z = 521288629;
  #w = 88675123;

  constructor(seed: number) {
    this.#x = (123456789 ^ Math.imul(seed + 1, 0x9e3779b1)) >>> 0;
    // Nearby seeds begin alike; sixteen words later they do not.
    this.fill(new Uint32Array(16));
  }

  /** Fills an array with random words. */
  fill(words: Uint32Array): void {
    let [x, y, z, w] = [this.#x, this.#y, this.#z, this.#w];
    for (let i = 0; i < words.length; i++) {
      const t = x ^ (x << 11);
      x = y;
      y = z;
      z = w;
      w = w ^ (w >>> 19) ^ t ^ (t >>> 8);
      words[i] = w;
    }
    [this.#x, this.#y, this.#z, this.#w] = [x, y, z, w];
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    const word = new Uint32Array(1);
    this.fill(word);
    return (word[0] as number) / 2 ** 32;
  }

  /** Normally distributed with mean 0 and deviation 1 (Box and Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }
}

/** Turns a block of random bytes at `offset` into one with sensible scales. `scales` are half-precision bit patterns. */
type Finish = (view: DataView, offset: number, scales: Uint16Array) => void;

interface BlockKind {
  /** Standard deviation of a weight in units of the block's scale, the codes being uniform. */
  readonly deviation: number;
  readonly finish: Finish;
}

/** A scale from the table, chosen by the bits that lie where it goes. */
const putScale = (view: DataView, offset: number, scales: Uint16Array): void =>
  view.setUint16(offset, scales[view.getUint16(offset, true) % SCALES] as number, true);

/** Deviation of whole numbers that are uniform over `count` values. */
const uniformDeviation = (count: number): number => Math.sqrt((count * count - 1) / 12);

const KINDS: Partial<Record<SourceDtype, BlockKind>> = {
  q4_0: { deviation: uniformDeviation(16), finish: putScale },
  q5_0: { deviation: uniformDeviation(32), finish: putScale },
  q8_0: { deviation: uniformDeviation(256), finish: putScale },
  // Sub-scales are uniform in 0..63.
  q4_k: { deviation: uniformDeviation(16) * (63 / 2), finish: finishQ4K },
  // Sub-scales are uniform in 32..95.
  q6_k: { deviation: uniformDeviation(64) * 63.5, finish: finishQ6K },
};

/** Two halves (scale and minimum's scale), 12 bytes of 6-bit sub-scales and sub-minima, 128 bytes of codes. */
function finishQ4K(view: DataView, offset: number, scales: Uint16Array): void {
  const scale = view.getUint16(offset, true) % SCALES;
  view.setUint16(offset, scales[scale] as number, true);
  // Sub-minima like the sub-scales and 7.5 times the scale put the codes around zero.
  view.setUint16(offset + 2, scales[SCALES + scale] as number, true);
  view.setUint32(offset + 8, view.getUint32(offset + 4, true), true);
  const nibbles = view.getUint32(offset + 12, true) & 0x0f0f0f0f;
  view.setUint32(offset + 12, nibbles | (nibbles << 4), true);
}

/** 192 bytes of codes, 16 signed sub-scales, one half. */
function finishQ6K(view: DataView, offset: number, scales: Uint16Array): void {
  for (let i = 192; i < 208; i++) view.setUint8(offset + i, 32 + (view.getUint8(offset + i) & 63));
  putScale(view, offset + 208, scales);
}

/** Scales around 1 / deviation, then the same times 7.5, as half-precision bits. */
function scaleTable(deviation: number, stream: WordStream): Uint16Array {
  const table = new Uint16Array(2 * SCALES);
  for (let i = 0; i < SCALES; i++) {
    const scale = ((1 + 0.2 * Math.abs(stream.normal())) * WEIGHT_DEVIATION) / deviation;
    table[i] = floatToHalf(scale);
    table[SCALES + i] = floatToHalf(7.5 * scale);
  }
  return table;
}

/**
 * `blocks` random blocks of a quantised type, in pieces of at most `pieceBytes`. A piece is overwritten by the next one.
 * The bytes depend on the seed, the type and the number of blocks, not on the size of the pieces.
 */
export function* randomBlocks(
  dtype: SourceDtype,
  blocks: number,
  seed: number,
  pieceBytes = 1 << 22,
): Generator<Uint8Array> {
  const kind = KINDS[dtype];
  if (kind === undefined) throw new RangeError(`Expected a type with random blocks but received ${dtype}.`);
  const { bytes } = BLOCK_SIZES[dtype];
  const stream = new WordStream(seed);
  const scales = scaleTable(kind.deviation, stream);
  // Whole words and an even number of blocks a piece, so that pieces of any size draw the same words.
  const perPiece = Math.max(2, Math.floor(pieceBytes / bytes / 2) * 2);
  const words = new Uint32Array((perPiece * bytes) / 4);
  const view = new DataView(words.buffer);
  for (let done = 0; done < blocks; done += perPiece) {
    const count = Math.min(perPiece, blocks - done);
    stream.fill(words.subarray(0, Math.ceil((count * bytes) / 4)));
    for (let block = 0; block < count; block++) kind.finish(view, block * bytes, scales);
    yield new Uint8Array(words.buffer, 0, count * bytes);
  }
}
