// GGUF's "gpt2" tokenizers: byte-level BPE with merges and a named pre-tokenizer.
import type { GgufMetadata } from "./gguf-metadata.js";
import { type GgufVocabulary, vocabularyMap } from "./gguf-vocabulary.js";
import { malformed } from "./malformed-file.js";
import { preTokenizerRule } from "./pre-tokenizer-rules.js";
import type { TokenizerParts } from "./tokenizer-parts.js";

/** tokenizer.json's parts of a byte-level BPE. Errors: ERR_INVALID_MODEL, ERR_UNSUPPORTED_FORMAT. */
export function bytePairTokenizer(metadata: GgufMetadata, vocabulary: GgufVocabulary): TokenizerParts {
  const rule = preTokenizerRule(metadata.text("tokenizer.ggml.pre") ?? "default", metadata.where);
  const prefixSpace = metadata.flag("tokenizer.ggml.add_space_prefix") ?? false;
  const byteLevel = {
    type: "ByteLevel",
    add_prefix_space: prefixSpace,
    trim_offsets: true,
    use_regex: false,
  };
  const splits = rule.patterns.map((pattern) => ({
    type: "Split",
    pattern: { Regex: pattern },
    behavior: "Isolated",
    invert: false,
  }));
  return {
    normalizer: rule.unicodeForm === undefined ? null : { type: rule.unicodeForm },
    preTokenizer: { type: "Sequence", pretokenizers: [...splits, byteLevel] },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: rule.ignoreMerges,
      vocab: vocabularyMap(vocabulary),
      merges: readMerges(metadata),
    },
    addBos: rule.addBos,
  };
}

/** Pairs in order of rank; the separator is the first space that is not the first character. */
function readMerges(metadata: GgufMetadata): [string, string][] {
  const merges = metadata.texts("tokenizer.ggml.merges");
  if (merges === undefined) throw malformed(metadata.where, "the key tokenizer.ggml.merges", undefined);
  return merges.map((merge) => {
    const space = merge.indexOf(" ", 1);
    if (space < 0 || space === merge.length - 1)
      throw malformed(
        `${metadata.where}, key tokenizer.ggml.merges`,
        "two tokens and a space between them",
        merge,
      );
    return [merge.slice(0, space), merge.slice(space + 1)];
  });
}
