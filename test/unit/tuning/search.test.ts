// The search for a tuning, with a made-up kernel whose times are known.
import { describe, expect, it } from "vitest";
import type { LinearTuning } from "../../../lib/compiler/kernels/index.js";
import { isFaster, median, speedup } from "../../../lib/compiler/tuning/comparison.js";
import { TuningSearch, type VariantTimer } from "../../../lib/compiler/tuning/search.js";
import { searchSpace, type Workload } from "../../../lib/compiler/tuning/search-space.js";
import { Random } from "../../support/random.js";

const START: LinearTuning = {
  tileTokens: 6,
  tileRows: 32,
  fewTokens: 8,
  fewTileTokens: 8,
  prefetchBytes: 2048,
  activationBytes: 256 << 10,
  panelBytes: 256 << 10,
};
const AXES = searchSpace("n", "vnni512");

interface Kernel {
  /** Milliseconds of a call on a quiet machine. */
  readonly cost: (tuning: LinearTuning, workload: Workload) => number;
  /** Times are up to this part longer, at random; one in ten is disturbed and takes twice as long. */
  readonly noise?: number;
  readonly prepareMs?: number;
  readonly seed?: number;
}

/** A timer on a clock that only its own work moves. */
class FakeTimer implements VariantTimer {
  clock = 0;
  readonly prepared = new Set<string>();
  readonly #kernel: Kernel;
  readonly #random: Random;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#random = new Random(kernel.seed ?? 1);
  }

  now(): number {
    return this.clock;
  }

  prepare(tuning: LinearTuning, workload: Workload): void {
    this.clock += this.#kernel.prepareMs ?? 1;
    this.prepared.add(JSON.stringify([tuning, workload]));
  }

  time(tuning: LinearTuning, workload: Workload): number {
    expect(this.prepared.has(JSON.stringify([tuning, workload]))).toBe(true);
    const { cost, noise = 0 } = this.#kernel;
    const disturbed = noise > 0 && this.#random.next() < 0.1 ? 2 : 1;
    const ms = cost(tuning, workload) * (1 + noise * this.#random.next()) * disturbed;
    this.clock += ms;
    return ms;
  }
}

function searchAll(timer: FakeTimer, deadline = Number.POSITIVE_INFINITY): TuningSearch {
  const search = new TuningSearch(timer, AXES, START);
  while (!search.finished && timer.now() < deadline) search.step(deadline);
  return search;
}

/** Best with tiles of 4 tokens, a batch tile of 4, 512 KiB of activations if the tile is that, and 64 KiB otherwise. */
function landscape(tuning: LinearTuning, workload: Workload): number {
  const { tileTokens, fewTileTokens, activationBytes } = tuning;
  if (workload === "batch") return 1 + Math.abs(fewTileTokens - 4) / 10;
  if (workload !== "prompt") return 1;
  const best = tileTokens === 4 ? 512 : 64;
  return 1 + Math.abs(tileTokens - 4) / 20 + Math.abs(Math.log2(activationBytes / 1024 / best)) / 10;
}

describe("a search", () => {
  it("finds the best of every axis and how much faster it is", () => {
    const search = searchAll(new FakeTimer({ cost: landscape }));
    expect(search.tuning).toEqual({
      ...START,
      tileTokens: 4,
      fewTileTokens: 4,
      activationBytes: 512 << 10,
    });
    expect(search.speedups.batch).toBeCloseTo(1.4, 5);
    expect(search.speedups.prompt).toBeCloseTo(landscape(START, "prompt"), 5);
    expect(search.speedups.between).toBeUndefined();
  });

  it("searches an axis again when one that it depends on has changed", () => {
    // Only with more activations at hand is the larger tile worth it.
    const cost = ({ tileTokens, activationBytes }: LinearTuning) =>
      activationBytes === 1 << 20 ? (tileTokens === 7 ? 0.8 : 0.9) : tileTokens === 6 ? 1 : 1.1;
    expect(searchAll(new FakeTimer({ cost })).tuning).toMatchObject({
      tileTokens: 7,
      activationBytes: 1 << 20,
    });
  });

  it("comes as near to it as the noise allows", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { tuning } = searchAll(new FakeTimer({ cost: landscape, noise: 0.2, seed }));
      expect(tuning.fewTileTokens).toBe(4);
      // Steps of 5 % and less are below what 15 rounds can tell in this noise.
      expect(landscape(tuning, "prompt")).toBeLessThan(1.11);
      expect(landscape(tuning, "prompt")).toBeLessThanOrEqual(landscape(START, "prompt"));
    }
  });

  it("keeps what is there among equals, however noisy", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const search = searchAll(new FakeTimer({ cost: () => 1, noise: 0.3, seed }));
      expect(search.tuning).toEqual(START);
      expect(search.speedups).toEqual({});
    }
  });

  it("keeps what is there for a gain that is too small to matter", () => {
    const cost = ({ tileTokens }: LinearTuning) => (tileTokens === 5 ? 0.99 : 1);
    expect(searchAll(new FakeTimer({ cost })).tuning).toEqual(START);
  });

  it("ends at the deadline, at most one preparation or call late, and keeps only what was decided", () => {
    const timer = new FakeTimer({ cost: landscape, prepareMs: 10 });
    const search = searchAll(timer, 60);
    expect(timer.clock).toBeLessThan(60 + 10);
    expect(search.finished).toBe(false);
    expect(search.searched).toEqual([]);
    expect(search.tuning).toEqual(START);
    const longer = searchAll(new FakeTimer({ cost: landscape, prepareMs: 10 }), 250);
    expect(longer.searched).toEqual(["tile"]);
    expect(longer.tuning).toEqual({ ...START, tileTokens: 4 });
  });

  it("goes on where an earlier one ended", () => {
    const timer = new FakeTimer({ cost: landscape });
    const search = new TuningSearch(timer, AXES, START, ["tile", "batch tile", "prefetch"]);
    expect(search.step(Number.POSITIVE_INFINITY)).toBe(true);
    expect(search.searched).toContain("activation share");
    const done = new TuningSearch(
      timer,
      AXES,
      START,
      AXES.map(({ name }) => name),
    );
    expect(done.finished).toBe(true);
    expect(done.step(Number.POSITIVE_INFINITY)).toBe(false);
  });

  it("ends even where times lead it in circles", () => {
    let calls = 0;
    // Whatever is not there seems faster.
    const timer = new FakeTimer({ cost: () => 1 });
    timer.time = (tuning) => {
      calls++;
      timer.clock += 1;
      return tuning.tileTokens === last.tuning.tileTokens ? 2 : 1;
    };
    const last = new TuningSearch(timer, AXES, START);
    while (!last.finished) last.step(Number.POSITIVE_INFINITY);
    expect(calls).toBeLessThan(10_000);
  });
});

describe("a comparison", () => {
  const rounds = (pairs: readonly [number, number][]) =>
    pairs.map(([before, after]) => ({ before: [before], after: [after] }));

  it("has the median of the rounds' gains", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(
      speedup(
        rounds([
          [2, 1],
          [2, 1],
          [1, 50],
        ]),
      ),
    ).toBeCloseTo(2);
  });

  it("counts kinds of calls alike, however long they are", () => {
    expect(speedup([{ before: [1000, 1], after: [2000, 0.25] }])).toBeCloseTo(Math.SQRT2);
  });

  it("believes a gain beyond the noise only", () => {
    const steady = Array.from({ length: 15 }, (_, i): [number, number] => [1.05 + (i % 3) / 1000, 1]);
    expect(isFaster(rounds(steady))).toBe(true);
    const wild = Array.from({ length: 15 }, (_, i): [number, number] => [1.05 * 1.6 ** ((i % 3) - 1), 1]);
    expect(isFaster(rounds(wild))).toBe(false);
    expect(isFaster(rounds(steady.map(([before, after]) => [after, before])))).toBe(false);
  });
});
