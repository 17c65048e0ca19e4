// The tuning of one target's kernels: from the records of this machine, and measured where that is asked for.
import { useThreads } from "../../ffi/index.js";
import type { Target } from "../codegen/target.js";
import { defaultTuning, type LinearTuner, type LinearTuning, linearName } from "../kernels/index.js";
import type { ModelSpec } from "../nn/decoder-spec.js";
import { countKernels } from "./kernel-census.js";
import { isThisMachine, thisMachine } from "./machine.js";
import { addRecords, type KernelRecords, readRecords, recordFilePath } from "./record-file.js";
import { tuneKernels } from "./tune-kernels.js";

export interface TuningOptions {
  /** Time to measure in; undefined: only records are used; 0: nor are they. */
  readonly seconds: number | undefined;
  /** Threads that the package will run on; default one for each physical core. */
  readonly threads: number | undefined;
  /** See KernelTimer. */
  readonly residentBytes: number;
  readonly onProgress: (doneSeconds: number) => void;
  readonly onNotice: (notice: string) => void;
}

/** What was chosen for a kernel, for the manifest. */
export interface ChosenTuning {
  readonly kernel: string;
  /** "measured": by this compile; "recorded": by an earlier one. */
  readonly origin: "measured" | "recorded";
  /** Numbers that are not the processor's defaults. */
  readonly changes: Readonly<Record<string, number>>;
  /** Times faster than the defaults, by workload, where anything was changed. */
  readonly speedups: Readonly<Record<string, number>>;
}

export interface TuningReport {
  readonly threads: number;
  readonly kernels: readonly ChosenTuning[];
}

/** The tuning of a decoder that is about to be built. */
export interface TargetTuning {
  readonly tuner: LinearTuner;
  /** What the tuner was asked for and knew, once the model is built; undefined where it knew nothing. */
  report(): TuningReport | undefined;
}

/**
 * Finds the tuning for a model on a target.
 * @returns undefined where there is none: for another machine, or where none is wanted.
 */
export async function tuneTarget(
  spec: ModelSpec,
  target: Target,
  options: TuningOptions,
): Promise<TargetTuning | undefined> {
  const { seconds, onNotice } = options;
  if (seconds === 0 || !isThisMachine(target)) return undefined;
  const threads = useThreads(options.threads);
  const machine = thisMachine(target, threads);
  const file = recordFilePath();
  const known = await readRecords(file, machine, onNotice);
  if (seconds === undefined) return tuningFrom(target, threads, known, new Map());
  const kernels = countKernels(spec);
  const { prefillChunk } = spec;
  const { records, finished } = tuneKernels(kernels, { ...options, target, seconds, known, prefillChunk });
  if (records.size > 0) await addRecords(file, machine, records, onNotice);
  onNotice(summary({ kernels: kernels.length, measured: records.size, finished, file }));
  return tuningFrom(target, threads, known, records);
}

function tuningFrom(
  { cpu }: Target,
  threads: number,
  known: KernelRecords,
  measured: KernelRecords,
): TargetTuning {
  const chosen = new Map<string, ChosenTuning>();
  return {
    tuner: (options) => {
      const kernel = linearName(options);
      const record = measured.get(kernel) ?? known.get(kernel);
      if (record === undefined || options.dot === undefined) return undefined;
      const { tuning, speedups } = record;
      const origin = measured.has(kernel) ? "measured" : "recorded";
      const changes = departures(tuning, defaultTuning(options.dot, cpu));
      chosen.set(kernel, { kernel, origin, changes, speedups });
      return tuning;
    },
    report: () => (chosen.size === 0 ? undefined : { threads, kernels: [...chosen.values()] }),
  };
}

function departures(tuning: LinearTuning, from: LinearTuning): Record<string, number> {
  const names = Object.keys(from) as (keyof LinearTuning)[];
  return Object.fromEntries(
    names.filter((name) => tuning[name] !== from[name]).map((name) => [name, tuning[name]]),
  );
}

interface Outcome {
  readonly kernels: number;
  /** Kernels that something was measured of. */
  readonly measured: number;
  /** Kernels of which nothing is left to try. */
  readonly finished: number;
  readonly file: string;
}

function summary({ kernels, measured, finished, file }: Outcome): string {
  if (kernels === 0) return "Nothing to tune: no weights are multiplied in 8 bits.";
  if (measured === 0 && finished === kernels)
    return `All ${kernels} kernels were tuned before; their records are in ${file}.`;
  const rest = finished === kernels ? "" : ": the time was too short for all, another --tune goes on";
  return `${finished} of ${kernels} kernels are tuned${rest}. The records are in ${file}.`;
}
