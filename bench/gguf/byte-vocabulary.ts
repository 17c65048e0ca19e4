/** A made-up byte-level BPE of any size: 256 bytes, then as many merged tokens as a real vocabulary has, then two control tokens. */

/** Tokens in the order of their ids, with their kinds and merges. */
export interface ByteVocabulary {
  readonly tokens: readonly string[];
  /** llama_token_type: 1 normal, 3 control. */
  readonly kinds: readonly number[];
  /** "left right" by rank, one for each token that is not a byte or control token. */
  readonly merges: readonly string[];
  readonly bosTokenId: number;
  readonly eosTokenId: number;
}

const NORMAL = 1;
const CONTROL = 3;
const LETTERS = [..."abcdefghijklmnopqrstuvwxyz"];

/** The vocabulary of `size` tokens; at most 457 thousand. */
export function byteVocabulary(size: number): ByteVocabulary {
  const tokens = byteCharacters();
  const merges: string[] = [];
  for (const [left, right] of mergePairs()) {
    if (tokens.length >= size - 2) break;
    tokens.push(left + right);
    merges.push(`${left} ${right}`);
  }
  const kinds = tokens.map(() => NORMAL);
  const bosTokenId = tokens.push("<|bos|>") - 1;
  const eosTokenId = tokens.push("<|eos|>") - 1;
  if (tokens.length !== size)
    throw new RangeError(`Expected a vocabulary of 258 to 457234 tokens but received ${size}.`);
  return { tokens, kinds: [...kinds, CONTROL, CONTROL], merges, bosTokenId, eosTokenId };
}

/** Pairs of letters, then pairs of those pairs. */
function* mergePairs(): Generator<[string, string]> {
  const pairs: string[] = [];
  for (const left of LETTERS)
    for (const right of LETTERS) {
      pairs.push(left + right);
      yield [left, right];
    }
  for (const left of pairs) for (const right of pairs) yield [left, right];
}

/** GPT-2's printable character of each byte: itself where it is printable, else the next one from U+0100 on. */
function byteCharacters(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCodePoint(printable ? byte : next++);
  });
}
