/** The rounds of one model: both sides alternate, and the order changes with every round. */
import type { Calibration } from "./calibration.js";
import type { Figure } from "./figures.js";
import type { ModelFiles, PreparedModel } from "./model-source.js";
import { processesOf, runPeerProcess, type Side, type WorkloadSettings } from "./peer-process.js";
import type { ProcessResult, Round } from "./result.js";

/** Measures one round. `calibrate` is called before, between and after the processes. */
export function measureRound(
  index: number,
  model: PreparedModel,
  figures: readonly Figure[],
  settings: WorkloadSettings,
  calibrate: () => Calibration,
): Round {
  const results: Record<Side, ProcessResult[]> = { ours: [], peer: [] };
  const contestants: [Side, ModelFiles][] = [
    ["ours", model.ours],
    ...model.peers.map((files): [Side, ModelFiles] => ["peer", files]),
  ];
  const order = index % 2 === 0 ? contestants : contestants.toReversed();
  let before = calibrate();
  for (const [name, work] of processesOf(figures))
    for (const [side, { scheme, path }] of order) {
      const measured = runPeerProcess(side, path, name, work, settings);
      const after = calibrate();
      results[side].push({ scheme, figures: measured, before, after });
      before = after;
    }
  return results;
}
