/** Runs one side's workload in a process of its own. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { MlcError } from "../lib/errors.js";
import { type BenchProcess, type Figure, STREAM_COUNTS } from "./figures.js";
import { root } from "./repository.js";

/** The two sides. */
export type Side = "ours" | "peer";

/** How much is measured; part of the result, for only equal settings compare. */
export interface WorkloadSettings {
  readonly threads: number;
  /** Repetitions inside a process (long prompts and streams are measured once). */
  readonly repeats: number;
  /** Tokens decoded for one rate. */
  readonly decodeTokens: number;
}

/** Values of each figure, one a repetition. */
export type FigureValues = Readonly<Record<string, readonly number[]>>;

const SCRIPTS: Readonly<Record<Side, string>> = { ours: "node-mlc.mjs", peer: "node-llama-cpp.mjs" };

/** Tokens a sequence has room for. */
const CONTEXT_SIZES: Readonly<Record<BenchProcess, number>> = { single: 1024, long: 4096, streams: 512 };

/** Longer than any honest run. */
const TIMEOUT_MS = 20 * 60 * 1000;

/** The processes that `figures` are measured in, with the work of each. */
export function processesOf(figures: readonly Figure[]): ReadonlyMap<BenchProcess, readonly string[]> {
  const processes = new Map<BenchProcess, Set<string>>();
  for (const { measured } of figures)
    if (measured !== undefined)
      processes.set(measured.process, (processes.get(measured.process) ?? new Set()).add(measured.work));
  return new Map([...processes].map(([name, work]) => [name, [...work]]));
}

/** Runs the work and returns its figures; its standard error is shown. Errors: ERR_NATIVE where the process fails. */
export function runPeerProcess(
  side: Side,
  model: string,
  name: BenchProcess,
  work: readonly string[],
  settings: WorkloadSettings,
): FigureValues {
  const plan = {
    process: name,
    work,
    model,
    ...settings,
    contextSize: CONTEXT_SIZES[name],
    mostStreams: name === "streams" ? Math.max(...STREAM_COUNTS) : 1,
    startedAt: Date.now(),
  };
  const script = path.join(root, "bench", "peers", SCRIPTS[side]);
  try {
    const output = execFileSync(process.execPath, [script, JSON.stringify(plan)], {
      encoding: "utf8",
      maxBuffer: 1 << 24,
      timeout: TIMEOUT_MS,
      stdio: ["ignore", "pipe", "inherit"],
    });
    return JSON.parse(output.trim().split("\n").at(-1) ?? "") as FigureValues;
  } catch (cause) {
    throw new MlcError(
      "ERR_NATIVE",
      `Expected figures of ${SCRIPTS[side]} (${name}, ${model}) but it failed or took more than ${TIMEOUT_MS / 60_000} minutes.`,
      { cause },
    );
  }
}
