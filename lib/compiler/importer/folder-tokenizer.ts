// The tokenizer files and the chat template of a Hugging Face folder.
import type { ImportedTokenizer, TokenizerFiles } from "./imported-model.js";
import { isJsonObject, type JsonObject, parseJsonObject } from "./json-file.js";
import { malformed, unsupported } from "./malformed-file.js";
import type { ModelFiles } from "./model-files.js";
import { VOCABULARY_TEXT, wordPieceDocument } from "./word-piece-vocabulary.js";

const TOKENIZER = "tokenizer.json";
const TOKENIZER_CONFIG = "tokenizer_config.json";
const SPECIAL_TOKENS = "special_tokens_map.json";

/** Files that hold a tokenizer in an older form; without tokenizer.json they are not enough. */
const OLDER_FILES = ["tokenizer.model", "vocab.json", "merges.txt", "spiece.model", "tekken.json"];

/**
 * Reads the tokenizer of a folder; a folder without any gives none.
 * Errors: ERR_UNSUPPORTED_FORMAT where only older tokenizer files exist, ERR_INVALID_MODEL for files that do not parse.
 */
export function readFolderTokenizer(folder: ModelFiles): ImportedTokenizer {
  const config = mergeSpecialTokens(folder.json(TOKENIZER_CONFIG), folder.json(SPECIAL_TOKENS));
  const chatTemplate = readChatTemplate(folder, config);
  const template = chatTemplate === undefined ? {} : { chatTemplate };
  const text = folder.text(TOKENIZER) ?? wordPieceText(folder, config);
  if (text === undefined) {
    const older = OLDER_FILES.find((name) => folder.has(name));
    if (older !== undefined)
      throw unsupported(
        folder.path,
        TOKENIZER,
        older,
        "save the tokenizer in the fast format (save_pretrained) first",
      );
    return { tokenizer: {}, addBos: false, ...template };
  }
  const document = parseJsonObject(text, folder.file(TOKENIZER));
  const tokenizer: TokenizerFiles = {
    [TOKENIZER]: text,
    [TOKENIZER_CONFIG]: `${JSON.stringify(config, undefined, 2)}\n`,
  };
  return { tokenizer, addBos: addsBos(document, config), ...template };
}

/** The tokenizer.json that a vocabulary of WordPiece alone stands for; undefined where there is none. */
function wordPieceText(folder: ModelFiles, config: JsonObject): string | undefined {
  const vocabulary = folder.text(VOCABULARY_TEXT);
  if (vocabulary === undefined) return undefined;
  return JSON.stringify(wordPieceDocument(vocabulary, config, folder.file(VOCABULARY_TEXT)));
}

/** tokenizer_config.json, with the special tokens that only special_tokens_map.json names. */
function mergeSpecialTokens(config: JsonObject | undefined, map: JsonObject | undefined): JsonObject {
  const missing = Object.entries(map ?? {}).filter(([key]) => config?.[key] == null);
  return { ...config, ...Object.fromEntries(missing) };
}

/** chat_template.jinja, else chat_template of tokenizer_config.json: one text, or a list of named ones. */
function readChatTemplate(folder: ModelFiles, config: JsonObject): string | undefined {
  const file = folder.text("chat_template.jinja");
  if (file !== undefined) return file;
  const inline = config.chat_template ?? folder.json("chat_template.json")?.chat_template;
  if (inline == null) return undefined;
  if (typeof inline === "string") return inline;
  const named: unknown[] = Array.isArray(inline) ? inline : [];
  const chosen = named.find((entry) => isJsonObject(entry) && entry.name === "default") ?? named[0];
  if (isJsonObject(chosen) && typeof chosen.template === "string") return chosen.template;
  throw malformed(folder.file(TOKENIZER_CONFIG), "a chat_template text or a list of named ones", inline);
}

/** What the post-processor does decides; `add_bos_token` is only asked where the processor leaves it open. */
function addsBos(document: JsonObject, config: JsonObject): boolean {
  const { post_processor: outer } = document;
  const inner: unknown[] =
    isJsonObject(outer) && Array.isArray(outer.processors) ? outer.processors : [outer];
  const processors = inner.filter(isJsonObject);
  if (processors.some(({ type }) => type === "BertProcessing" || type === "RobertaProcessing")) return true;
  const template = processors.find(({ type }) => type === "TemplateProcessing");
  if (template === undefined) return config.add_bos_token === true;
  const first: unknown = Array.isArray(template.single) ? template.single[0] : undefined;
  return isJsonObject(first) && isJsonObject(first.SpecialToken);
}
