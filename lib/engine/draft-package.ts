/** The package of a draft model: opened, checked against the model it drafts for, and planned beside it. */
import { MlcError } from "../errors.js";
import type { NativeEngineConfig } from "../ffi/native-engine.js";
import type { MemoryPlan } from "../package/memory-plan.js";
import { requireGenerating } from "../package/model-kind.js";
import { ModelPackage } from "../package/model-package.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { type EngineConfig, nativeConfig } from "./engine-config.js";
import { checkRuntimeVersion, chooseLibrary, type HostMachine } from "./library-choice.js";
import { openTokenizer } from "./model-text.js";

/** A draft model that fits. */
export interface DraftPackage {
  /** Bytes it needs at least, for one short sequence. */
  readonly leastBytes: number;
  /**
   * What the native engine is told of it: as many sequences and tokens as the model's plan has, if it can.
   * Errors: ERR_INSUFFICIENT_MEMORY with the numbers.
   */
  beside(plan: MemoryPlan): NativeEngineConfig;
}

/**
 * Opens the draft model that the options name; undefined where they name none.
 * Errors: as ModelPackage.open, ERR_CPU_UNSUPPORTED, ERR_INVALID_ARGUMENT for another vocabulary.
 */
export async function openDraft(
  model: ModelPackage,
  config: EngineConfig,
  machine: HostMachine,
): Promise<DraftPackage | undefined> {
  const folder = config.speculation?.draft;
  if (folder === undefined) return undefined;
  const draft = await ModelPackage.open(folder, { verify: config.verify });
  requireGenerating(draft.manifest);
  checkRuntimeVersion(draft.manifest.tvm);
  const library = chooseLibrary(draft.manifest.libraries, machine, undefined);
  await checkVocabulary(model, draft);
  const { limits } = draft.manifest;
  return {
    leastBytes: draft.plan({ batch: 1, context: limits.pageSize }).total,
    beside: ({ batch, context, total }) => {
      const plan = draft.plan({
        batch: Math.min(batch, limits.maxBatch),
        context: Math.min(context, limits.contextLength),
        budget: config.memoryBudget - total,
      });
      return nativeConfig(draft, library, plan, config);
    },
  };
}

async function checkVocabulary(model: ModelPackage, draft: ModelPackage): Promise<void> {
  if (sameTokenizerFiles(model, draft)) return;
  const [ours, theirs] = await Promise.all([openTokenizer(model), openTokenizer(draft)]);
  const difference =
    ours === undefined || theirs === undefined
      ? "no tokenizer in one of them"
      : firstDifference(ours, theirs);
  if (difference === undefined) return;
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected a draft model with the vocabulary of ${model.manifest.source.name} but received ${draft.manifest.source.name} (${difference}): choose a smaller model of the same family.`,
    { details: { model: model.path, draft: draft.path } },
  );
}

/** Whether the tokenizers are the same files; models without one must have as many tokens. */
function sameTokenizerFiles(model: ModelPackage, draft: ModelPackage): boolean {
  const digests = ({ manifest: { tokenizer, files } }: ModelPackage) =>
    tokenizer.files.map((file) => `${file} ${files[file]?.sha256}`).sort();
  const [ours, theirs] = [digests(model), digests(draft)];
  const sameSize = model.manifest.model.vocabSize === draft.manifest.model.vocabSize;
  return sameSize && ours.join() === theirs.join();
}

/** The first token that is spelled unlike in two tokenizers; sizes may differ, as vocabularies are padded. */
function firstDifference(ours: Tokenizer, theirs: Tokenizer): string | undefined {
  const common = Math.min(ours.vocabularySize, theirs.vocabularySize);
  for (let id = 0; id < common; id++) {
    const [our, their] = [ours.idToToken(id), theirs.idToToken(id)];
    if (our !== their)
      return `token ${id} is ${JSON.stringify(our)} in one and ${JSON.stringify(their)} in the other`;
  }
  return undefined;
}
