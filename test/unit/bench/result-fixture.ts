import type { Calibration } from "../../../bench/calibration.js";
import { chosenFigures } from "../../../bench/figures.js";
import type { PreparedModel } from "../../../bench/model-source.js";
import type { FigureValues } from "../../../bench/peer-process.js";
import { type BenchResult, type ProcessResult, RESULT_VERSION } from "../../../bench/result.js";
import { summarize } from "../../../bench/summarize.js";

export const model: PreparedModel = {
  model: "smollm2-135m",
  scheme: "q4_0p",
  against: [],
  ours: { scheme: "q4_0p", path: "models/a.package", bytes: 80e6, decodeBytes: 75e6 },
  peers: [{ scheme: "q4_0p", path: "models/a.gguf", bytes: 77e6, decodeBytes: 76e6 }],
  layerParameters: 100e6,
  cacheBytesPerToken: 20_000,
};

/** A machine that reads 40 GB/s and computes 1000 GOP/s. */
export const machine: Calibration = {
  threads: 2,
  readGigabytesPerSecond: 40,
  readStreams: 1,
  prefetchBytes: 0,
  int8GigaopsPerSecond: 1000,
  int8Instruction: "vpdpbusd",
  cpuShare: 1,
};

/** What a process measured between two states of the machine. */
export function processResult(figures: FigureValues, states: Partial<Calibration> = {}): ProcessResult {
  return { scheme: "q4_0p", figures, before: { ...machine, ...states }, after: { ...machine, ...states } };
}

const settings = { threads: 2, repeats: 3, decodeTokens: 64 };

/** A result with decode and prefill figures; `rates` are our decode rates, one a round, the peer's is always 100. */
export function resultOf(rates: readonly number[], changes: Partial<BenchResult> = {}): BenchResult {
  const rounds = rates.map((rate) => ({
    ours: [processResult({ decode_32: [rate], prefill_512: [1000], load: [300] })],
    peer: [processResult({ decode_32: [100], prefill_512: [500], load: [900] })],
  }));
  const figures = chosenFigures(["decode", "prefill", "load", "size"]).filter(
    ({ id }) => !["decode_512", "decode_2048"].includes(id),
  );
  return {
    version: RESULT_VERSION,
    date: "2026-01-02T03:04:05.000Z",
    cpu: "A <fast> CPU",
    memoryBytes: 8e9,
    platform: "linux x64",
    node: "v20.0.0",
    commit: "abc1234",
    peer: "peer 1.0",
    settings,
    models: [summarize(model, figures, rounds, settings)],
    ...changes,
  };
}
