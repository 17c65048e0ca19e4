/** The rounds of one model: both sides alternate, and the order changes with every round. */
import type { Calibration } from "./calibration.js";
import type { Figure } from "./figures.js";
import type { PreparedModel } from "./model-source.js";
import { processesOf, runPeerProcess, SIDES, type Side, type WorkloadSettings } from "./peer-process.js";
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
  const order = index % 2 === 0 ? SIDES : SIDES.toReversed();
  let before = calibrate();
  for (const [name, work] of processesOf(figures))
    for (const side of order) {
      const measured = runPeerProcess(side, model[side].path, name, work, settings);
      const after = calibrate();
      results[side].push({ figures: measured, before, after });
      before = after;
    }
  return results;
}
