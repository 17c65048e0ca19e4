// Rebuilds tokenizer.json and tokenizer_config.json from the metadata of a GGUF file.

import type { GgufMetadata } from "./gguf-metadata.js";
import { bytePairTokenizer } from "./gguf-tokenizer-bpe.js";
import { sentencePieceTokenizer } from "./gguf-tokenizer-spm.js";
import { wordPieceFiles } from "./gguf-tokenizer-wpm.js";
import { type GgufVocabulary, readVocabulary } from "./gguf-vocabulary.js";
import type { ImportedTokenizer } from "./imported-model.js";
import { unsupported } from "./malformed-file.js";
import type { TokenizerParts } from "./tokenizer-parts.js";

const BUILDERS: ReadonlyMap<string, (metadata: GgufMetadata, vocabulary: GgufVocabulary) => TokenizerParts> =
  new Map([
    ["gpt2", bytePairTokenizer],
    ["llama", sentencePieceTokenizer],
  ]);

const WORD_PIECE = "bert";

/**
 * The tokenizer of a GGUF file; a file without one gives none.
 * Errors: ERR_UNSUPPORTED_FORMAT for an unknown kind, ERR_INVALID_MODEL for lists that contradict each other.
 */
export function rebuildTokenizer(metadata: GgufMetadata): ImportedTokenizer {
  const kind = metadata.text("tokenizer.ggml.model");
  const chatTemplate = metadata.text("tokenizer.chat_template");
  const template = chatTemplate === undefined ? {} : { chatTemplate };
  if (kind === undefined || kind === "no_vocab" || kind === "none")
    return { tokenizer: {}, addBos: false, ...template };
  if (kind === WORD_PIECE) return { ...wordPiece(metadata), ...template };
  const build = BUILDERS.get(kind);
  if (build === undefined)
    throw unsupported(
      `${metadata.where}, key tokenizer.ggml.model`,
      `one of ${[...BUILDERS.keys(), WORD_PIECE].join(", ")}`,
      kind,
      "this kind of tokenizer is not implemented",
    );
  const vocabulary = readVocabulary(metadata);
  const parts = build(metadata, vocabulary);
  const addBos = metadata.flag("tokenizer.ggml.add_bos_token") ?? parts.addBos;
  const addEos = metadata.flag("tokenizer.ggml.add_eos_token") ?? false;
  return {
    tokenizer: {
      "tokenizer.json": JSON.stringify(tokenizerDocument(parts, vocabulary, addBos, addEos)),
      "tokenizer_config.json": `${JSON.stringify(tokenizerConfig(vocabulary, addBos, addEos), undefined, 2)}\n`,
    },
    addBos: addBos && vocabulary.special.bos !== undefined,
    ...template,
  };
}

/** Texts of WordPiece always have their control tokens around them, in llama.cpp as in transformers. */
function wordPiece(metadata: GgufMetadata): ImportedTokenizer {
  const { document, config } = wordPieceFiles(metadata, readVocabulary(metadata));
  return {
    tokenizer: {
      "tokenizer.json": JSON.stringify(document),
      "tokenizer_config.json": `${JSON.stringify(config, undefined, 2)}\n`,
    },
    addBos: true,
  };
}

function tokenizerDocument(
  parts: TokenizerParts,
  vocabulary: GgufVocabulary,
  addBos: boolean,
  addEos: boolean,
): unknown {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: vocabulary.addedTokens,
    normalizer: parts.normalizer,
    pre_tokenizer: parts.preTokenizer,
    post_processor: postProcessor(vocabulary, addBos, addEos),
    decoder: parts.decoder,
    model: parts.model,
  };
}

function postProcessor(vocabulary: GgufVocabulary, addBos: boolean, addEos: boolean): unknown {
  const before = addBos ? vocabulary.special.bos : undefined;
  const after = addEos ? vocabulary.special.eos : undefined;
  if (before === undefined && after === undefined) return null;
  const piece = (id: number | undefined, type: number) =>
    id === undefined ? [] : [{ SpecialToken: { id: vocabulary.tokens[id], type_id: type } }];
  const sequence = (name: string, type: number) => [
    ...piece(before, type),
    { Sequence: { id: name, type_id: type } },
    ...piece(after, type),
  ];
  const used = [...new Set([before, after].filter((id) => id !== undefined))];
  return {
    type: "TemplateProcessing",
    single: sequence("A", 0),
    pair: [...sequence("A", 0), ...sequence("B", 1)],
    special_tokens: Object.fromEntries(
      used.map((id) => [
        vocabulary.tokens[id],
        { id: vocabulary.tokens[id], ids: [id], tokens: [vocabulary.tokens[id]] },
      ]),
    ),
  };
}

function tokenizerConfig(vocabulary: GgufVocabulary, addBos: boolean, addEos: boolean): unknown {
  const { bos, eos, unknown, padding } = vocabulary.special;
  const named = { bos_token: bos, eos_token: eos, unk_token: unknown, pad_token: padding };
  const present = Object.entries(named).filter(([, id]) => id !== undefined);
  return {
    tokenizer_class: "PreTrainedTokenizerFast",
    ...Object.fromEntries(present.map(([key, id]) => [key, vocabulary.tokens[id ?? 0]])),
    add_bos_token: addBos,
    add_eos_token: addEos,
    clean_up_tokenization_spaces: false,
  };
}
