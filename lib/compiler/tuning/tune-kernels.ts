// Tunes several kernels within one budget: each in turn searches one axis, the kernels that read the most first, so that a short
// budget goes to what matters most.
import type { Target } from "../codegen/target.js";
import { defaultTuning } from "../kernels/index.js";
import type { CountedKernel } from "./kernel-census.js";
import { KernelTimer } from "./kernel-timer.js";
import type { KernelRecord, KernelRecords } from "./record-file.js";
import { TuningSearch } from "./search.js";
import { searchSpace } from "./search-space.js";

export interface TuneOptions {
  readonly target: Target;
  /** Rows of a prompt's step. */
  readonly prefillChunk: number;
  /** See KernelTimer. */
  readonly residentBytes: number;
  readonly seconds: number;
  /** What is known already: searches go on from there. */
  readonly known: KernelRecords;
  readonly onProgress: (doneSeconds: number) => void;
}

interface Candidate {
  readonly kernel: CountedKernel;
  readonly timer: KernelTimer;
  readonly search: TuningSearch;
  readonly known: KernelRecord | undefined;
}

export interface TunedKernels {
  /** Of every kernel that an axis was searched of. */
  readonly records: KernelRecords;
  /** Kernels of which nothing is left to try. */
  readonly finished: number;
}

/** Searches until everything is tried or the time is over. */
export function tuneKernels(kernels: readonly CountedKernel[], options: TuneOptions): TunedKernels {
  const begin = performance.now();
  const deadline = begin + options.seconds * 1000;
  const late = () => performance.now() >= deadline;
  const candidates = kernels.map((kernel) => candidate(kernel, options));
  const records = new Map<string, KernelRecord>();
  const unfinished = () => candidates.filter(({ search }) => !search.finished);
  while (unfinished().length > 0 && !late()) {
    for (const { kernel, timer, search, known } of unfinished()) {
      if (late()) break;
      if (search.step(deadline)) records.set(kernel.name, recordOf(search, known));
      timer.release();
      options.onProgress(Math.min(options.seconds, (performance.now() - begin) / 1000));
    }
  }
  return { records, finished: candidates.length - unfinished().length };
}

function candidate(kernel: CountedKernel, options: TuneOptions): Candidate {
  const { target, prefillChunk, residentBytes } = options;
  const { dot, tokens } = kernel.options;
  if (dot === undefined) throw new RangeError(`${kernel.name} is no integer product`);
  const known = options.known.get(kernel.name);
  const timer = new KernelTimer({ kernel: kernel.options, target, prefillChunk, residentBytes });
  const start = known?.tuning ?? defaultTuning(dot, target.cpu);
  const search = new TuningSearch(timer, searchSpace(tokens, dot), start, known?.searched);
  return { kernel, timer, known, search };
}

/** What the search found on top of what was known. */
function recordOf(
  { tuning, speedups, searched }: TuningSearch,
  known: KernelRecord | undefined,
): KernelRecord {
  const factors = new Map(Object.entries(known?.speedups ?? {}));
  for (const [workload, factor] of Object.entries(speedups))
    factors.set(workload, (factors.get(workload) ?? 1) * factor);
  return { tuning, speedups: Object.fromEntries(factors), searched };
}
