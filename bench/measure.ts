/** The rounds of one model: both sides alternate, and the order changes with every round. */
import { runBatchedBench } from "./batched-bench.js";
import type { Calibration } from "./calibration.js";
import type { BenchProcess, Figure } from "./figures.js";
import type { ModelFiles, PreparedModel } from "./model-source.js";
import {
  type FigureValues,
  processesOf,
  runPeerProcess,
  type Side,
  type WorkloadSettings,
} from "./peer-process.js";
import type { ProcessResult, Round } from "./result.js";

/**
 * Measures one round. `calibrate` is called before, between and after the processes. llama-batched-bench, where its path is given, takes
 * its turn with the streams: the last, and in every other round the first.
 */
export function measureRound(
  index: number,
  model: PreparedModel,
  figures: readonly Figure[],
  settings: WorkloadSettings,
  calibrate: () => Calibration,
  batchedBench?: string,
): Round {
  const results: Record<Side, ProcessResult[]> = { ours: [], peer: [] };
  const contestants: [Side, ModelFiles][] = [
    ["ours", model.ours],
    ...model.peers.map((files): [Side, ModelFiles] => ["peer", files]),
  ];
  const order = index % 2 === 0 ? contestants : contestants.toReversed();
  let before = calibrate();
  let batchedRates: FigureValues | undefined;
  const takeBatchedTurn = (name: BenchProcess, now: boolean) => {
    if (batchedBench === undefined || name !== "streams" || !now) return;
    batchedRates = runBatchedBench(batchedBench, model.peers[0].path, settings);
    before = calibrate();
  };
  for (const [name, work] of processesOf(figures)) {
    takeBatchedTurn(name, index % 2 === 1);
    for (const [side, { scheme, path }] of order) {
      const measured = runPeerProcess(side, path, name, work, settings);
      const after = calibrate();
      results[side].push({ scheme, figures: measured, before, after });
      before = after;
    }
    takeBatchedTurn(name, index % 2 === 0);
  }
  return batchedRates === undefined ? results : { ...results, batchedBench: batchedRates };
}
