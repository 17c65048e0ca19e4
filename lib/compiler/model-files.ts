// The files of a package besides its weights, and its manifest, from what the importer found.
import path from "node:path";
import type { ManifestLibrary } from "../package/manifest.js";
import type { ManifestDraft, PackageWriter } from "../package/package-writer.js";
import { TVM_VERSIONS } from "../package/tvm-versions.js";
import { generatorName } from "../package-root.js";
import { compactTokenizer } from "../tokenizer/compact-files.js";
import type { Target } from "./codegen/target.js";
import type { CompileLimits } from "./compile-options.js";
import type { ImportedModel } from "./importer/imported-model.js";
import { readTypes } from "./models/encoder-parameters.js";
import { isEncoder } from "./models/model-config.js";
import type { Activations, KvDtype } from "./nn/decoder-spec.js";
import { ENTRY_FUNCTIONS, type EntryFunction } from "./nn/entry-functions.js";
import type { TemporaryBytes } from "./passes/memory-plan.js";
import type { SourceModel } from "./source-model.js";
import type { TuningReport } from "./tuning/target-tuning.js";
import type { WeightPlan } from "./weight-plan.js";

const CHAT_TEMPLATE_FILE = "chat_template.jinja";

/** A library of the package. */
export interface CompiledLibrary {
  readonly target: Target;
  /** Bytes of temporaries by function. */
  readonly temporaries: TemporaryBytes;
  /** What was measured for its kernels. */
  readonly tuning: TuningReport | undefined;
}

/** The place of a target's library in a package, relative, with "/". */
export function libraryFile({ triple, name }: Target): string {
  return `lib/${triple}/${name}.so`;
}

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
  readonly kvDtype: KvDtype;
  readonly libraries: readonly CompiledLibrary[];
  readonly files: ModelFiles;
}

export function manifestDraft(parts: ManifestParts): ManifestDraft {
  const { model, weights, limits, activations, kvDtype, libraries, files } = parts;
  const { config, imported } = model;
  const { source, generation, embedding } = imported;
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
    kvCache: { dtype: kvDtype },
    libraries: libraries.map(manifestLibrary),
    memory: { temporaries: Math.max(...libraries.map(allTemporaries)) },
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
    ...(embedding === undefined ? {} : { embedding: { ...embedding } }),
    ...(isEncoder(config) && config.classifier !== undefined
      ? { ranking: { ...config.classifier, tokenTypes: readTypes(config) ?? 1 } }
      : {}),
    source: {
      kind: source.kind,
      name: source.name,
      ...(source.revision === undefined ? {} : { revision: source.revision }),
    },
    licence: { ...(source.license === undefined ? {} : { name: source.license }), files: files.licences },
  };
}

function manifestLibrary({
  target,
  temporaries,
  tuning,
}: CompiledLibrary): ManifestDraft["libraries"][number] {
  const { name, triple, cpu, vectorBits, features, gpu } = target;
  return {
    name,
    target: {
      kind: "llvm",
      ...(gpu === undefined ? {} : { gpu: gpu.kind }),
      triple,
      cpu,
      vectorBits,
      features: [...features],
    },
    file: libraryFile(target),
    functions: ENTRY_FUNCTIONS.filter((entry) => temporaries.has(entry)).map((entry) => ({
      name: entry,
      temporaryBytes: temporaries.get(entry) ?? 0,
    })),
    ...(tuning === undefined ? {} : { tuning: manifestTuning(tuning) }),
  };
}

function manifestTuning({ threads, kernels }: TuningReport): NonNullable<ManifestLibrary["tuning"]> {
  return {
    threads,
    kernels: kernels.map(({ changes, speedups, ...rest }) => ({
      ...rest,
      changes: { ...changes },
      speedups: { ...speedups },
    })),
  };
}

/** Bytes of temporaries of all functions together. `encode` and `batch_prefill` ask the pool for the same blocks and never run at once. */
function allTemporaries({ temporaries }: CompiledLibrary): number {
  const bytes = (name: EntryFunction) => temporaries.get(name) ?? 0;
  const mixed = Math.max(bytes("batch_prefill"), bytes("encode"));
  return bytes("embed") + bytes("decode") + bytes("batch_decode") + mixed;
}

/** `<model>-<scheme>` in the working directory. */
export function defaultOutput({ imported }: SourceModel, scheme: string): string {
  return `${path.basename(imported.source.path).replace(/\.gguf$/i, "")}-${scheme}`;
}
