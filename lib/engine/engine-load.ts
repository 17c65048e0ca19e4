/** From a package folder to the parts of an engine: checks first, then weights and tokenizer at the same time. */
import path from "node:path";
import type { ChatTemplate } from "../chat/chat-template.js";
import { ModelPackage } from "../package/model-package.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { VOCABULARY_FILE } from "../tokenizer/vocabulary-file.js";
import type { EngineParts, ModelText } from "./engine.js";
import {
  type EngineOptions,
  type LoadProgress,
  nativeConfig,
  planLoad,
  resolveEngineConfig,
  throwIfAborted,
} from "./engine-config.js";
import { checkRuntimeVersion, chooseLibrary, hostMachine } from "./library-choice.js";
import type { NativeRuntime } from "./native-runtime.js";

/**
 * Opens and checks a package (files, CPU features, memory) and prepares the rest: `start` of the result maps the weights, `openText`
 * reads the tokenizer.
 * Errors: see Engine.load.
 */
export async function loadEngineParts(
  folder: string,
  options: EngineOptions,
  runtimeOf: () => Promise<NativeRuntime>,
): Promise<EngineParts> {
  const config = resolveEngineConfig(options);
  const { signal } = options;
  const report = progressReporter(options);
  throwIfAborted(signal, "Loading the model");
  report({ phase: "package", done: 0, total: 1 });
  const modelPackage = await ModelPackage.open(folder, {
    verify: config.verify,
    ...(signal === undefined ? {} : { signal }),
  });
  const { manifest } = modelPackage;
  checkRuntimeVersion(manifest.tvm);
  const plan = planLoad(modelPackage, config);
  const runtime = await runtimeOf();
  const library = chooseLibrary(manifest.libraries, hostMachine(runtime.cpuFeatures()), config.library);
  throwIfAborted(signal, "Loading the model");
  return {
    manifest,
    library,
    plan,
    start: (onEvents) =>
      runtime.load(nativeConfig(modelPackage, library, plan, config), onEvents, (done, total, phase) =>
        report({ phase, done, total }),
      ),
    openText: () => {
      report({ phase: "tokenizer", done: 0, total: 1 });
      return openText(modelPackage);
    },
  };
}

/** The tokenizer's modules are imported here, while the engine's thread is at the weights. */
async function openText(modelPackage: ModelPackage): Promise<ModelText> {
  const tokenizer = await openTokenizer(modelPackage);
  return { tokenizer, chatTemplate: await openChatTemplate(modelPackage, tokenizer) };
}

async function openTokenizer(modelPackage: ModelPackage): Promise<Tokenizer | undefined> {
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

/** Share of the whole load that each phase begins at, for a single number; weights are nearly all of it. */
const PHASE_START: Readonly<Record<string, number>> = {
  package: 0,
  tokenizer: 0.05,
  library: 0.1,
  weights: 0.15,
  cache: 0.9,
  warmup: 0.95,
};

/** Sends progress in both forms. */
function progressReporter(options: EngineOptions): (progress: LoadProgress) => void {
  const { onProgress, initProgressCallback } = options;
  const startedAt = performance.now();
  let reached = 0;
  return (progress) => {
    onProgress?.(progress);
    const { phase, done, total } = progress;
    const within = phase === "weights" && total > 0 ? (done / total) * 0.75 : 0;
    reached = Math.max(reached, (PHASE_START[phase] ?? reached) + within);
    initProgressCallback?.({
      progress: reached,
      timeElapsed: (performance.now() - startedAt) / 1000,
      text: total > 1 ? `${phase} ${done}/${total}` : phase,
    });
  };
}
