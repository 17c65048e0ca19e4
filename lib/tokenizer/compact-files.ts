/** The tokenizer files of a package from those of a model: a BPE vocabulary moves out of tokenizer.json into a file of its own. */
import { bpeOptions, bpeVocabulary } from "./bpe-document.js";
import { parseTokenizerDocument, record } from "./tokenizer-document.js";
import { VOCABULARY_FILE, writeVocabulary } from "./vocabulary-file.js";

/**
 * `text`: the content of tokenizer.json. Returns what the package holds in its place, by name: a tokenizer.json without vocabulary
 * and merges and the vocabulary file, or the same text where the model is not BPE of the usual form.
 * Errors: ERR_INVALID_MODEL.
 */
export function compactTokenizer(text: string): Readonly<Record<string, string | Uint8Array>> {
  const document = record(JSON.parse(text), "tokenizer.json");
  const { model, addedTokens } = parseTokenizerDocument(document);
  const vocabulary =
    bpeOptions(model) === undefined
      ? undefined
      : bpeVocabulary(
          model,
          addedTokens.map(({ id, content }) => [id, content]),
        );
  if (vocabulary === undefined) return { "tokenizer.json": text };
  const rest = { ...document, model: { ...model, vocab: {}, merges: [] } };
  return { "tokenizer.json": JSON.stringify(rest), [VOCABULARY_FILE]: writeVocabulary(vocabulary) };
}
