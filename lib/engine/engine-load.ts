/** From a package folder to the parts of an engine: checks first, then weights and tokenizer at the same time. */
import { MlcError } from "../errors.js";
import { ModelPackage } from "../package/model-package.js";
import { choosePlacement, type EngineDevice } from "./device-choice.js";
import { openDraft } from "./draft-package.js";
import type { EngineParts } from "./engine.js";
import {
  type EngineConfig,
  type EngineOptions,
  type LoadProgress,
  nativeConfig,
  planLoad,
  resolveEngineConfig,
  throwIfAborted,
} from "./engine-config.js";
import { checkRuntimeVersion, hostMachine } from "./library-choice.js";
import { openText } from "./model-text.js";
import type { NativeRuntime } from "./native-runtime.js";

/**
 * Opens and checks a package (files, CPU features, memory) and prepares the rest: `start` of the result maps the weights, `openText`
 * reads the tokenizer.
 * @param fallback why the model is to run on the processor whatever the options say.
 * Errors: see Engine.load.
 */
export async function loadEngineParts(
  folder: string,
  options: EngineOptions,
  runtimeOf: (isolation: EngineConfig["isolation"]) => Promise<NativeRuntime>,
  fallback?: string,
): Promise<EngineParts> {
  const resolved = resolveEngineConfig(options);
  const config: EngineConfig =
    fallback === undefined ? resolved : { ...resolved, device: { type: "cpu", reason: fallback } };
  const { signal } = options;
  const report = progressReporter(options);
  throwIfAborted(signal, "Loading the model");
  report({ phase: "package", done: 0, total: 1 });
  const modelPackage = await ModelPackage.open(folder, {
    verify: config.verify,
    ...(signal === undefined ? {} : { signal }),
  });
  checkRuntimeVersion(modelPackage.manifest.tvm);
  const runtime = await runtimeOf(config.isolation);
  try {
    return await partsOf(modelPackage, options, config, runtime, report);
  } catch (error) {
    await runtime.release?.();
    throw error;
  }
}

async function partsOf(
  modelPackage: ModelPackage,
  options: EngineOptions,
  config: EngineConfig,
  runtime: NativeRuntime,
  report: (progress: LoadProgress) => void,
): Promise<EngineParts> {
  const { manifest } = modelPackage;
  const { signal } = options;
  const machine = hostMachine(runtime.cpuFeatures());
  const { library, device, driver } = await choosePlacement({
    libraries: manifest.libraries,
    machine,
    device: config.device,
    library: config.library,
    leastBytes: modelPackage.plan({ batch: 1, context: manifest.limits.pageSize }).total,
    runtime,
  });
  const draft = await openDraft(modelPackage, config, machine);
  const plan = planLoad(modelPackage, config, draft?.leastBytes, driver);
  const native = {
    ...nativeConfig(modelPackage, library, plan, config, device),
    ...(config.speculation === undefined
      ? {}
      : { speculation: { draftTokens: config.speculation.draftTokens, model: draft?.beside(plan) } }),
  };
  throwIfAborted(signal, "Loading the model");
  return {
    manifest,
    library,
    device,
    plan,
    maxQueue: config.maxQueue,
    tracer: options.tracer,
    start: (onEvents) =>
      runtime
        .load(native, onEvents, (done, total, phase) => report({ phase, done, total }))
        .catch((error: unknown) => {
          throw native.device === undefined ? error : ofDevice(error, device);
        }),
    openText: () => {
      report({ phase: "tokenizer", done: 0, total: 1 });
      return openText(modelPackage);
    },
  };
}

/** The error of a load on a device other than the processor, which it names. */
function ofDevice(error: unknown, { type, index, name }: EngineDevice): unknown {
  if (!(error instanceof MlcError)) return error;
  const { code, message, details } = error;
  const device = `${type}:${index}`;
  return new MlcError(code, `${device} (${name}): ${message}`, {
    details: { ...details, device },
    cause: error,
  });
}

/**
 * Loads a model; where "auto" chose a device on which that fails, on the processor, with a warning of the process.
 * @param load gets why the model is to run on the processor.
 */
export async function loadWithFallback<T>(
  { device = "auto" }: EngineOptions,
  load: (fallback: string | undefined) => Promise<T>,
): Promise<T> {
  try {
    return await load(undefined);
  } catch (error) {
    if (device !== "auto" || !(error instanceof MlcError) || error.details.device === undefined) throw error;
    if (error.code === "ERR_ABORTED") throw error;
    process.emitWarning(`The model runs on the CPU: ${error.message}`, { code: error.code });
    return load(error.message);
  }
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
