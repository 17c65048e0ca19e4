/** The texts that end a repeat for DRY, as token sequences. */
import type { Tokenizer } from "../tokenizer/tokenizer.js";

/** What the originator of DRY chose: ends of lines, of speech and of emphasis. */
export const DEFAULT_BREAKERS: readonly string[] = ["\n", ":", '"', "*"];

const known = new WeakMap<Tokenizer, Map<string, readonly (readonly number[])[]>>();

/**
 * Token sequences of one breaker: every token whose text holds it, and its own tokens where they are several. Remembered, as it
 * goes through the whole vocabulary.
 */
export function breakerSequences(tokenizer: Tokenizer, text: string): readonly (readonly number[])[] {
  const ofTokenizer = known.get(tokenizer) ?? new Map<string, readonly (readonly number[])[]>();
  known.set(tokenizer, ofTokenizer);
  const sequences = ofTokenizer.get(text) ?? findSequences(tokenizer, text);
  ofTokenizer.set(text, sequences);
  return sequences;
}

function findSequences(tokenizer: Tokenizer, text: string): readonly (readonly number[])[] {
  const bytes = Buffer.from(text);
  const sequences: number[][] = [];
  for (let id = 0; id < tokenizer.vocabularySize; id++) {
    const { buffer, byteOffset, length } = tokenizer.tokenBytes(id);
    // A view: most of the time would go into copies.
    if (Buffer.from(buffer, byteOffset, length).includes(bytes)) sequences.push([id]);
  }
  const own = tokenizer.encode(text, { addSpecial: false });
  if (own.length > 1) sequences.push(own);
  return sequences;
}
