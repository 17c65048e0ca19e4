/**
 * A BPE vocabulary as a file, little endian:
 *
 *   uint32 × 4      magic, pieces, bytes of the spellings, merges
 *   uint32          offsets [pieces + 1]: where each piece's spelling begins; an id without a piece has none
 *   int32           merges [merges, 3]: ids of left piece, right piece and what they make, in order of rank
 *   uint8           the spellings on end, UTF-8
 */
import { endianness } from "node:os";
import { MlcError } from "../errors.js";
import type { BpeVocabulary } from "./bpe-model.js";

/** Name of the file in a package. */
export const VOCABULARY_FILE = "vocabulary.bin";

/** "MLCV". */
const MAGIC = 0x56434c4d;
const HEADER_WORDS = 4;
const WORD = 4;

/** The content of a vocabulary file. */
export function writeVocabulary({ bytes, offsets, merges }: BpeVocabulary): Uint8Array {
  const header = Uint32Array.of(MAGIC, offsets.length - 1, bytes.length, merges.length / 3);
  return Buffer.concat([...[header, offsets, merges].map(littleEndian), bytes]);
}

/** Reads and checks the content of a vocabulary file, without a copy where it can. Errors: ERR_INVALID_MODEL. */
export function readVocabulary(content: Uint8Array): BpeVocabulary {
  // Typed arrays need aligned memory, which a small file read into Node's pool does not have.
  const file = content.byteOffset % WORD === 0 ? content : new Uint8Array(content);
  const [magic, pieces = 0, spellings = 0, merges = 0] = words(file, 0, HEADER_WORDS);
  const expected = (HEADER_WORDS + pieces + 1 + merges * 3) * WORD + spellings;
  if (magic !== MAGIC || file.length !== expected)
    throw invalid("a vocabulary of the length its header says");
  const offsets = words(file, HEADER_WORDS, pieces + 1);
  const triples = words(file, HEADER_WORDS + pieces + 1, merges * 3);
  if (offsets[0] !== 0 || offsets[pieces] !== spellings || !ascends(offsets))
    throw invalid("spellings one after the other");
  for (let index = 0; index < triples.length; index++) {
    // Tokens added on top of the vocabulary may be named too; beyond 2^31 no id is.
    if ((triples[index] ?? 0) > 0x7fffffff) throw invalid("merges of token ids");
  }
  return {
    bytes: file.subarray(expected - spellings),
    offsets,
    merges: new Int32Array(triples.buffer, triples.byteOffset, triples.length),
  };
}

/** `count` words from word `from` on, in the machine's byte order; fewer where the file ends. */
function words(file: Uint8Array, from: number, count: number): Uint32Array {
  const available = Math.max(0, Math.min(count, Math.floor(file.length / WORD) - from));
  if (endianness() === "LE") return new Uint32Array(file.buffer, file.byteOffset + from * WORD, available);
  const view = new DataView(file.buffer, file.byteOffset);
  return Uint32Array.from({ length: available }, (_, index) => view.getUint32((from + index) * WORD, true));
}

function littleEndian(array: Uint32Array | Int32Array): Uint8Array {
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return endianness() === "LE" ? bytes : Buffer.from(bytes).swap32();
}

function ascends(offsets: Uint32Array): boolean {
  for (let index = 1; index < offsets.length; index++) {
    if ((offsets[index] ?? 0) < (offsets[index - 1] ?? 0)) return false;
  }
  return true;
}

function invalid(expected: string): MlcError {
  return new MlcError(
    "ERR_INVALID_MODEL",
    `Expected ${expected} in the tokenizer's vocabulary file but received another: the package is damaged, compile it again.`,
  );
}
