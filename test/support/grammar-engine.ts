// Grammars over the fake model and a real vocabulary: what they allow, without a model's mathematics.
import type { NativeGrammar } from "../../lib/ffi/index.js";
import type { Tokenizer } from "../../lib/tokenizer/tokenizer.js";
import { fakeModel, RunningEngine } from "./fake-model.js";

/** The bytes and lengths of 256 byte tokens and `others` tokens without a text; the first of these is the stop token. */
export function byteVocabulary(others: number): { bytes: Uint8Array; lengths: Int32Array } {
  return {
    bytes: Uint8Array.from({ length: 256 }, (_, byte) => byte),
    lengths: Int32Array.from({ length: 256 + others }, (_, id) => (id < 256 ? 1 : 0)),
  };
}

/** The stop token of an engine of byteEngine(). */
export const STOP = 256;

/** Control tokens of byteEngine(). */
export const CONTROL = [257, 258, 259] as const;

/** An engine over the fake model whose tokens are bytes; its control tokens stand for a byte that no text holds. */
export async function byteEngine(): Promise<RunningEngine> {
  const running = await RunningEngine.load(fakeModel({ vocabSize: 260 }));
  const plain = byteVocabulary(4);
  const bytes = Uint8Array.from([...plain.bytes, ...CONTROL.map(() => 0xff)]);
  const lengths = plain.lengths.map((length, id) => (CONTROL.some((control) => control === id) ? 1 : length));
  running.engine.useVocabulary(bytes, lengths, Int32Array.of(STOP));
  return running;
}

/** Tokens of a text in the vocabulary of byteEngine(). */
export function byteTokens(text: string): Int32Array {
  return Int32Array.from(new TextEncoder().encode(text));
}

/** An engine over the fake model with the vocabulary of a tokenizer. */
export async function vocabularyEngine(tokenizer: Tokenizer, stopToken: number): Promise<RunningEngine> {
  const running = await RunningEngine.load(fakeModel({ vocabSize: tokenizer.vocabularySize }));
  const { bytes, lengths } = tokenizer.allTokenBytes(tokenizer.vocabularySize);
  running.engine.useVocabulary(bytes, lengths, Int32Array.of(stopToken));
  return running;
}

/** Whether each text is a whole answer of the grammar. */
export async function wholeTexts(
  { engine }: RunningEngine,
  grammar: NativeGrammar,
  texts: readonly Int32Array[],
): Promise<boolean[]> {
  const matched = await engine.matchGrammar(grammar, texts);
  return texts.map((text, index) => matched[index] === text.length + 1);
}
