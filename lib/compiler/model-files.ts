// The files of a package besides its weights, and its manifest, from what the importer found.
import path from "node:path";
import type { ManifestDraft, PackageWriter } from "../package/package-writer.js";
import { TVM_VERSIONS } from "../package/tvm-versions.js";
import { generatorName } from "../package-root.js";
import { compactTokenizer } from "../tokenizer/compact-files.js";
import type { Target } from "./codegen/target.js";
import type { CompileLimits } from "./compile-options.js";
import type { ImportedModel } from "./importer/imported-model.js";
import { ENTRY_FUNCTIONS } from "./nn/causal-lm.js";
import type { Activations } from "./nn/decoder-spec.js";
import type { TemporaryBytes } from "./passes/memory-plan.js";
import type { SourceModel } from "./source-model.js";
import type { WeightPlan } from "./weight-plan.js";

/** The compiled library's place in a package. */
export const LIBRARY_FILE = "lib/model.so";
const CHAT_TEMPLATE_FILE = "chat_template.jinja";

/** Places of the added files, as the manifest names them. */
export interface ModelFiles {
  readonly tokenizer: string[];
  readonly chatTemplate: string | undefined;
  readonly licences: string[];
}

/** Adds tokenizer, chat template and licence files. */
export async function addModelFiles(writer: PackageWriter, model: ImportedModel): Promise<ModelFiles> {
  const tokenizer: string[] = [];
  const { "tokenizer.json": document, ...others } = model.tokenizer;
  const compact = document === undefined ? {} : compactTokenizer(document);
  for (const [name, content] of Object.entries({ ...compact, ...others })) {
    await writer.addFile(name, content);
    tokenizer.push(name);
  }
  if (model.chatTemplate !== undefined) await writer.addFile(CHAT_TEMPLATE_FILE, model.chatTemplate);
  const licences: string[] = [];
  for (const file of model.source.licenseFiles) {
    const name = `licence/${path.basename(file)}`;
    await writer.copyFile(name, file);
    licences.push(name);
  }
  return {
    tokenizer,
    chatTemplate: model.chatTemplate === undefined ? undefined : CHAT_TEMPLATE_FILE,
    licences,
  };
}

/** Everything the manifest is made of. */
export interface ManifestParts {
  readonly model: SourceModel;
  readonly weights: WeightPlan;
  readonly limits: CompileLimits;
  readonly activations: Activations;
  readonly target: Target;
  readonly files: ModelFiles;
  readonly temporaries: TemporaryBytes;
}

export function manifestDraft(parts: ManifestParts): ManifestDraft {
  const { model, weights, limits, activations, target, files, temporaries } = parts;
  const { config, imported } = model;
  const { source, generation } = imported;
  const { triple, cpu, features } = target;
  const bytesOf = (name: string) => temporaries.get(name) ?? 0;
  return {
    generator: generatorName(),
    tvm: TVM_VERSIONS,
    model: {
      architecture: config.architecture,
      name: source.name,
      hiddenSize: config.hiddenSize,
      intermediateSize: config.intermediateSize,
      layers: config.layers,
      attentionHeads: config.attentionHeads,
      keyValueHeads: config.keyValueHeads,
      headDim: config.headDim,
      vocabSize: config.vocabSize,
      contextLength: config.contextLength,
    },
    quantization: weights.scheme.name,
    activations,
    limits,
    kvCache: { dtype: weights.scheme.kvDtype },
    libraries: [
      {
        target: { kind: "llvm", triple, cpu, features: [...features] },
        file: LIBRARY_FILE,
        functions: ENTRY_FUNCTIONS.map((name) => ({ name, temporaryBytes: bytesOf(name) })),
      },
    ],
    memory: { temporaries: ENTRY_FUNCTIONS.reduce((sum, name) => sum + bytesOf(name), 0) },
    tokenizer: {
      files: files.tokenizer,
      ...(config.bosTokenId === undefined ? {} : { bosTokenId: config.bosTokenId }),
      eosTokenIds: [...config.eosTokenIds],
      ...(config.padTokenId === undefined ? {} : { padTokenId: config.padTokenId }),
      addBos: model.imported.addBos,
    },
    ...(files.chatTemplate === undefined ? {} : { chatTemplate: files.chatTemplate }),
    generation: {
      ...(generation.temperature === undefined ? {} : { temperature: generation.temperature }),
      ...(generation.topP === undefined ? {} : { topP: generation.topP }),
      ...(generation.topK === undefined ? {} : { topK: generation.topK }),
      ...(generation.repetitionPenalty === undefined
        ? {}
        : { repetitionPenalty: generation.repetitionPenalty }),
    },
    source: {
      kind: source.kind,
      name: source.name,
      ...(source.revision === undefined ? {} : { revision: source.revision }),
    },
    licence: { ...(source.license === undefined ? {} : { name: source.license }), files: files.licences },
  };
}

/** `<model>-<scheme>` in the working directory. */
export function defaultOutput({ imported }: SourceModel, scheme: string): string {
  return `${path.basename(imported.source.path).replace(/\.gguf$/i, "")}-${scheme}`;
}
