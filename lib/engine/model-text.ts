/** The parts of a package that deal with text: tokenizer and chat template. */
import path from "node:path";
import type { ChatTemplate } from "../chat/chat-template.js";
import type { ModelPackage } from "../package/model-package.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { VOCABULARY_FILE } from "../tokenizer/vocabulary-file.js";
import type { ModelText } from "./engine.js";

/** Tokenizer and chat template; their modules are imported here, while the engine's thread is at the weights. */
export async function openText(modelPackage: ModelPackage): Promise<ModelText> {
  const tokenizer = await openTokenizer(modelPackage);
  return { tokenizer, chatTemplate: await openChatTemplate(modelPackage, tokenizer) };
}

/** The tokenizer; undefined where the package has none. */
export async function openTokenizer(modelPackage: ModelPackage): Promise<Tokenizer | undefined> {
  const { files, bosTokenId, addBos } = modelPackage.manifest.tokenizer;
  const pathOf = (name: string) => {
    const file = files.find((listed) => path.posix.basename(listed) === name);
    return file === undefined ? undefined : modelPackage.file(file);
  };
  const tokenizerFile = pathOf("tokenizer.json");
  if (tokenizerFile === undefined) return undefined;
  const settings = { bosTokenId, addBos };
  const { Tokenizer } = await import("../tokenizer/tokenizer.js");
  return Tokenizer.load(tokenizerFile, pathOf("tokenizer_config.json"), settings, pathOf(VOCABULARY_FILE));
}

async function openChatTemplate(
  modelPackage: ModelPackage,
  tokenizer: Tokenizer | undefined,
): Promise<ChatTemplate | undefined> {
  const { chatTemplate, tokenizer: ids } = modelPackage.manifest;
  if (chatTemplate === undefined) return undefined;
  const { ChatTemplate } = await import("../chat/chat-template.js");
  const spelling = (id: number | undefined) => (id === undefined ? undefined : tokenizer?.idToToken(id));
  return new ChatTemplate(await modelPackage.readText(chatTemplate), {
    bosToken: spelling(ids.bosTokenId),
    eosToken: spelling(ids.eosTokenIds[0]),
  });
}
