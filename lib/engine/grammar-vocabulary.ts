/** The vocabulary that grammars are compiled for: handed to the native engine with the first grammar, once. */
import type { NativeEngine } from "../ffi/native-engine.js";
import type { Manifest } from "../package/manifest.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";

/** Engines that have theirs. */
const supplied = new WeakSet<NativeEngine>();

/**
 * Gives the engine its vocabulary unless it has it. Control tokens stand for a byte that no text holds: a grammar never spells one,
 * and a structural tag may name one by its id.
 * Takes some 0.1 s for 100,000 tokens, on this thread.
 */
export function supplyVocabulary(
  native: NativeEngine,
  tokenizer: Tokenizer,
  manifest: Pick<Manifest, "model" | "tokenizer">,
): void {
  if (supplied.has(native)) return;
  const { bytes, lengths } = tokenizer.allTokenBytes(manifest.model.vocabSize);
  native.useVocabulary(bytes, lengths, Int32Array.from(manifest.tokenizer.eosTokenIds));
  supplied.add(native);
}
