/** What the machine can do at this moment, measured by a small C++ program that is compiled for it when the benchmarks start. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { MlcError } from "../lib/errors.js";
import { root } from "./repository.js";

/** One measurement. */
export interface Calibration {
  readonly threads: number;
  /** Read bandwidth of all threads together, best of several ways to read. */
  readonly readGigabytesPerSecond: number;
  /** The best way: streams a thread, and how far ahead it prefetched (0: not). */
  readonly readStreams: number;
  readonly prefetchBytes: number;
  /** int8 multiplies and additions of all threads together, in 10^9 a second. */
  readonly int8GigaopsPerSecond: number;
  readonly int8Instruction: string;
  /** Processor time by wall time: below 1 where other programs ran. */
  readonly cpuShare: number;
}

/** Below this share of the processors the figures say more about the neighbours than about us. */
export const QUIET_CPU_SHARE = 0.97;

/**
 * Compiles the program and returns the function that runs it, for about a second each time.
 * Errors: ERR_LINKER_NOT_FOUND where there is no C++ compiler ($CXX or c++) or it fails.
 */
export function buildCalibration(threads: number): () => Calibration {
  const folder = path.join(root, "build", "bench");
  mkdirSync(folder, { recursive: true });
  const program = path.join(folder, process.platform === "win32" ? "calibration.exe" : "calibration");
  const compiler = process.env.CXX ?? "c++";
  // Clang knows -march=native on x86 only, GCC knows -mcpu=native on ARM too.
  const native = process.arch === "arm64" ? "-mcpu=native" : "-march=native";
  const source = path.join(root, "bench", "calibration.cc");
  try {
    execFileSync(compiler, ["-O2", "-std=c++17", native, "-pthread", source, "-o", program]);
  } catch (cause) {
    throw new MlcError(
      "ERR_LINKER_NOT_FOUND",
      `Expected ${compiler} to compile ${source} but it failed: set CXX to a C++17 compiler.`,
      { cause },
    );
  }
  return () => JSON.parse(execFileSync(program, [String(threads)], { encoding: "utf8" })) as Calibration;
}
