/**
 * The search for one kernel's tuning: coordinate descent, axis by axis, until no axis improves any more. Nothing is taken for better
 * that does not beat what is there, the defaults first of all, by more than the noise, in a comparison of its own: the best of several
 * noisy times would be too good.
 */
import type { LinearTuning } from "../kernels/index.js";
import { isFaster, isWorthwhile, type Round, speedup, speedups } from "./comparison.js";
import type { Axis, Workload } from "./search-space.js";

/** Times variants of one kernel. */
export interface VariantTimer {
  /** Milliseconds of the clock that deadlines are of. */
  now(): number;
  /** Readies a variant for a workload, which may take long. */
  prepare(tuning: LinearTuning, workload: Workload): void;
  /** Milliseconds of a call of a variant that is ready. */
  time(tuning: LinearTuning, workload: Workload): number;
}

/** How much faster than with the first tuning, by workload; absent where nothing that matters to it has changed. */
export type Speedups = Readonly<Partial<Record<Workload, number>>>;

const SCREENING_ROUNDS = 5;
const DECIDING_ROUNDS = 15;
const MOST_ROUNDS = 120;
/** Searches of one axis: more would follow noise in circles. */
const MOST_SEARCHES = 3;

export class TuningSearch {
  readonly #timer: VariantTimer;
  readonly #axes: readonly Axis[];
  /** How often each axis was searched, and what the numbers that matter to it were then. */
  readonly #searched = new Map<Axis, { readonly times: number; readonly around: string }>();
  #tuning: LinearTuning;
  #speedups: Speedups = {};

  /**
   * @param start the tuning to improve on.
   * @param searched names of axes that were searched around it already.
   */
  constructor(
    timer: VariantTimer,
    axes: readonly Axis[],
    start: LinearTuning,
    searched: readonly string[] = [],
  ) {
    this.#timer = timer;
    this.#axes = axes;
    this.#tuning = start;
    for (const axis of axes.filter(({ name }) => searched.includes(name)))
      this.#searched.set(axis, { times: 1, around: this.#surroundings(axis) });
  }

  /** The best tuning known. */
  get tuning(): LinearTuning {
    return this.#tuning;
  }

  get speedups(): Speedups {
    return this.#speedups;
  }

  /** Names of the axes that were searched to their end. */
  get searched(): string[] {
    return [...this.#searched.keys()].map(({ name }) => name);
  }

  /** Whether no axis is left to search around the present tuning. */
  get finished(): boolean {
    return this.#next() === undefined;
  }

  /**
   * Searches one axis; a search that the deadline ends leaves everything as it is.
   * @returns whether an axis was searched to its end.
   */
  step(deadline: number): boolean {
    const axis = this.#next();
    if (axis === undefined) return false;
    const better = this.#best(axis, deadline);
    if (better === "late") return false;
    const times = (this.#searched.get(axis)?.times ?? 0) + 1;
    // Around what it found it is searched again: in noise the second best may have come first.
    this.#searched.set(axis, { times, around: this.#surroundings(axis) });
    if (better !== undefined) this.#tuning = better;
    return true;
  }

  /** Each axis once, then those again around which something has changed. */
  #next(): Axis | undefined {
    return (
      this.#axes.find((axis) => !this.#searched.has(axis)) ??
      this.#axes.find((axis) => {
        const last = this.#searched.get(axis);
        return last !== undefined && last.times < MOST_SEARCHES && last.around !== this.#surroundings(axis);
      })
    );
  }

  /** The numbers of an axis and of those that change the same calls. */
  #surroundings(axis: Axis): string {
    // The calls between the two ways depend on the numbers of either.
    const related = this.#axes.filter(
      ({ workloads }) =>
        [...axis.workloads, ...workloads].includes("between") ||
        workloads.some((workload) => axis.workloads.includes(workload)),
    );
    const names = new Set(related.flatMap(({ choices }) => choices.flatMap((choice) => Object.keys(choice))));
    return JSON.stringify(Object.entries(this.#tuning).filter(([name]) => names.has(name)));
  }

  /** The choice that beats the present tuning. */
  #best(axis: Axis, deadline: number): LinearTuning | "late" | undefined {
    const present = tuningKey(this.#tuning);
    const variants = axis.choices
      .map((choice) => ({ ...this.#tuning, ...choice }))
      .filter((variant) => tuningKey(variant) !== present);
    for (const variant of [this.#tuning, ...variants]) {
      if (this.#timer.now() >= deadline) return "late";
      for (const workload of axis.workloads) this.#timer.prepare(variant, workload);
    }
    const favourite = this.#favourite(axis, variants, deadline);
    return favourite === undefined || favourite === "late"
      ? favourite
      : this.#decide(axis, favourite, deadline);
  }

  /** The variant that looks best, if any looks better than the present tuning: after some rounds the worse half drops out, and so on. */
  #favourite(
    axis: Axis,
    variants: readonly LinearTuning[],
    deadline: number,
  ): LinearTuning | "late" | undefined {
    let field = variants.map((variant) => ({
      variant,
      rounds: [] as Round[],
      gain: Number.POSITIVE_INFINITY,
    }));
    while (field.length > 1) {
      const competing = field.map(({ variant }) => variant);
      const times = this.#rounds(axis, competing, SCREENING_ROUNDS, deadline);
      if (times === undefined) return "late";
      field = field
        .map(({ variant, rounds }, index) => {
          const all = [...rounds, ...(times[index] ?? [])];
          return { variant, rounds: all, gain: speedup(all) };
        })
        .sort((a, b) => b.gain - a.gain)
        .slice(0, Math.floor(field.length / 2));
    }
    const [best] = field;
    return best !== undefined && best.gain > 1 ? best.variant : undefined;
  }

  /** The variant if it is faster than the present tuning; more rounds as long as it seems so but may be noise. */
  #decide(axis: Axis, variant: LinearTuning, deadline: number): LinearTuning | "late" | undefined {
    const rounds: Round[] = [];
    do {
      const [times] = this.#rounds(axis, [variant], DECIDING_ROUNDS, deadline) ?? [];
      if (times === undefined) return "late";
      rounds.push(...times);
      if (isFaster(rounds)) {
        this.#addSpeedups(axis, rounds);
        return variant;
      }
    } while (isWorthwhile(rounds) && rounds.length < MOST_ROUNDS);
    return undefined;
  }

  /** Times of all variants and the present tuning in turns, beginning with another one each time; undefined past the deadline. */
  #rounds(
    axis: Axis,
    variants: readonly LinearTuning[],
    count: number,
    deadline: number,
  ): Round[][] | undefined {
    const result: Round[][] = variants.map(() => []);
    const all = [this.#tuning, ...variants];
    for (let round = 0; round < count; round++) {
      const times: number[][] = all.map(() => []);
      for (let turn = 0; turn < all.length; turn++) {
        if (this.#timer.now() >= deadline) return undefined;
        const index = (turn + round) % all.length;
        const tuning = all[index] ?? this.#tuning;
        times[index] = axis.workloads.map((workload) => this.#timer.time(tuning, workload));
      }
      const [before = [], ...afters] = times;
      afters.forEach((after, index) => {
        result[index]?.push({ before, after });
      });
    }
    return result;
  }

  #addSpeedups(axis: Axis, rounds: readonly Round[]): void {
    const gains = speedups(rounds);
    const changes = axis.workloads.map((workload, kind) => [
      workload,
      (this.#speedups[workload] ?? 1) * (gains[kind] ?? 1),
    ]);
    this.#speedups = { ...this.#speedups, ...(Object.fromEntries(changes) as Speedups) };
  }
}

/** Equal for equal tunings. */
export function tuningKey(tuning: LinearTuning): string {
  return JSON.stringify(Object.entries(tuning).sort(([a], [b]) => (a < b ? -1 : 1)));
}
