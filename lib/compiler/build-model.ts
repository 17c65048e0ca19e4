// The compile line: source model -> graph -> passes -> machine code -> package. Runs in the compile child process.
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { MlcError } from "../errors.js";
import { type FfiModule, loadCompilerLibrary } from "../ffi/index.js";
import { PackageWriter } from "../package/package-writer.js";
import { requireGenerator } from "./codegen/build.js";
import { buildExecutable } from "./codegen/executable.js";
import { linkLibrary, requireLinker } from "./codegen/linker.js";
import type { Target } from "./codegen/target.js";
import { resolveTargets } from "./codegen/target-list.js";
import {
  type CompileLimits,
  type CompileProgress,
  type CompileRequest,
  resolveLimits,
  type TuneRequest,
} from "./compile-options.js";
import {
  addModelFiles,
  type CompiledLibrary,
  defaultOutput,
  libraryFile,
  manifestDraft,
} from "./model-files.js";
import { isEncoder } from "./models/model-config.js";
import type { Activations, KvDtype, ModelSpec } from "./nn/decoder-spec.js";
import { buildModule } from "./nn/encoder-module.js";
import { addMetadata } from "./nn/metadata.js";
import type { TemporaryBytes } from "./passes/memory-plan.js";
import { phaseDump } from "./passes/phase-dump.js";
import { runPipeline } from "./passes/pipeline.js";
import { defaultPrefillChunk, lastLevelCacheBytes, requireWholeTexts } from "./prefill-chunk.js";
import { defaultScheme, quantizationScheme } from "./quantization/registry.js";
import { openSourceModel, type SourceModel } from "./source-model.js";
import { isThisMachine } from "./tuning/machine.js";
import { residentBytes } from "./tuning/resident-bytes.js";
import { type TargetTuning, tuneTarget } from "./tuning/target-tuning.js";
import { addWeights, chooseFormats, type WeightPlan } from "./weight-plan.js";

/** How the line reports to its caller. */
export interface BuildEvents {
  readonly onProgress: (event: CompileProgress) => void;
  /** Called before anything is written at `output`, so that a caller that kills the line can clean up after it. */
  readonly onOutput: (output: string) => Promise<void>;
}

/**
 * Compiles one model.
 * @returns the folder of the finished package.
 */
export async function buildModel(request: CompileRequest, events: BuildEvents): Promise<string> {
  const step = (phase: string) => events.onProgress({ phase, done: 0, total: 0 });
  step("import");
  const model = await openSourceModel(request.source);
  try {
    const weights = planWeights(model, request.quantization);
    for (const note of weights.notices) events.onProgress({ phase: "import", done: 0, total: 0, note });
    loadCompilerLibrary();
    const targets = resolveTargets(request.targets);
    requireDecoder(model, targets);
    requireTunable(request.tune, targets);
    const cacheBytes = targets.some(({ isHost }) => isHost) ? lastLevelCacheBytes() : undefined;
    const chunk = defaultPrefillChunk(model.config, cacheBytes);
    const limits = resolveLimits(request.limits, model.config.contextLength, chunk);
    requireWholeTexts(model.config, limits);
    for (const target of targets) {
      if (target.gpu !== undefined) requireGenerator(target.gpu);
      await requireLinker(target);
    }
    const output = path.resolve(request.output ?? defaultOutput(model, weights.scheme.name));
    await events.onOutput(output);
    await using writer = await PackageWriter.create(output, { expectedBytes: weights.bytes });
    const kvDtype = request.kvCache ?? weights.scheme.kvDtype;
    const libraries: CompiledLibrary[] = [];
    for (const target of targets) {
      const debugDump = dumpFolder(request.debugDump, target, targets.length);
      const spec = modelSpec({ ...request, model, weights, limits, kvDtype, target });
      const tuning = await tune(request.tune, spec, target, residentBytes(weights.bytes, cacheBytes), events);
      const code = generate({ spec, tuning, target, debugDump, step });
      step("link");
      await addLibrary(writer, code.executable, target);
      libraries.push({ target, temporaries: code.temporaries, tuning: tuning?.report() });
    }
    await addWeights(writer, model, weights, events.onProgress);
    step("package");
    const files = await addModelFiles(writer, model.imported);
    const { activations } = request;
    return await writer.finish(
      manifestDraft({ model, weights, limits, activations, kvDtype, libraries, files }),
    );
  } finally {
    model.imported.close();
  }
}

function planWeights(model: SourceModel, quantization: string | undefined): WeightPlan {
  const scheme =
    quantization === undefined
      ? defaultScheme(model.imported.tensors.values(), { encoder: isEncoder(model.config) })
      : quantizationScheme(quantization);
  return chooseFormats(model, scheme);
}

/** One folder, or one for each of several targets. */
function dumpFolder(folder: string | undefined, target: Target, targets: number): string | undefined {
  return folder === undefined || targets === 1 ? folder : path.join(folder, target.triple, target.name);
}

/** Encoders have no kernels for GPUs yet. */
function requireDecoder({ config, imported }: SourceModel, targets: readonly Target[]): void {
  const gpu = targets.find((target) => target.gpu !== undefined);
  if (gpu === undefined || !isEncoder(config)) return;
  throw new MlcError(
    "ERR_UNSUPPORTED_ARCHITECTURE",
    `Expected a decoder for the target "${gpu.name}" but ${imported.source.name} is an encoder (${config.architecture}): compile it for the CPU.`,
  );
}

/** Times are of this machine, so they say nothing about another. */
function requireTunable({ seconds = 0 }: TuneRequest, targets: readonly Target[]): void {
  if (seconds === 0 || targets.some(isThisMachine)) return;
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected the target "cpu" (this machine) to tune for but received ${targets.map(({ name, triple }) => `${name}@${triple}`).join(", ")}: compile without tune, or on the machine it is for.`,
  );
}

function tune(
  { seconds, threads }: TuneRequest,
  spec: ModelSpec,
  target: Target,
  resident: number,
  { onProgress }: BuildEvents,
): Promise<TargetTuning | undefined> {
  const total = seconds ?? 0;
  if (target.gpu !== undefined) return Promise.resolve(undefined);
  return tuneTarget(spec, target, {
    seconds,
    threads,
    residentBytes: resident,
    onProgress: (done) => onProgress({ phase: "tune", done, total }),
    onNotice: (note) => onProgress({ phase: "tune", done: 0, total, note }),
  });
}

interface SpecParts {
  readonly model: SourceModel;
  readonly weights: WeightPlan;
  readonly limits: CompileLimits;
  readonly activations: Activations;
  readonly kvDtype: KvDtype;
  readonly target: Target;
}

function modelSpec({ model, weights, limits, activations, kvDtype, target }: SpecParts): ModelSpec {
  return {
    config: model.config,
    formats: weights.formats,
    kvDtype,
    ...limits,
    target,
    activations,
  };
}

interface CodeRequest {
  readonly spec: ModelSpec;
  readonly tuning: TargetTuning | undefined;
  readonly target: Target;
  readonly debugDump: string | undefined;
  readonly step: (phase: string) => void;
}

interface GeneratedCode {
  readonly executable: FfiModule;
  readonly temporaries: TemporaryBytes;
}

/** Model to machine code of one target. */
function generate({ spec, tuning, target, debugDump, step }: CodeRequest): GeneratedCode {
  step("build");
  const dumping = debugDump === undefined ? {} : { dump: phaseDump(debugDump) };
  const built = buildModule(tuning === undefined ? spec : { ...spec, tuner: tuning.tuner });
  const { module, temporaries } = runPipeline(built, {
    ...dumping,
    onPhase: step,
    afterPlan: (planned, bytes) => addMetadata(planned, spec, bytes),
  });
  step("codegen");
  return { executable: buildExecutable(module, target, dumping.dump), temporaries };
}

/** Links inside the staging folder, so that whatever removes it removes the linker's files too. */
async function addLibrary(writer: PackageWriter, executable: FfiModule, target: Target): Promise<void> {
  const folder = path.join(writer.staging, ".link");
  await mkdir(folder);
  const file = path.join(folder, "library.so");
  await linkLibrary(executable, target, file);
  await writer.copyFile(libraryFile(target), file);
  await rm(folder, { recursive: true });
}
