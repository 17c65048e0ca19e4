// The debug dump: the module after each phase as a numbered TVMScript file.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { FfiObject } from "../../ffi/index.js";
import { printScript } from "../ir/inspect.js";

/** Receives the module after each phase. */
export type PhaseDump = (phase: string, module: FfiObject) => void;

/** Writes modules to `folder` as 01-build.py, 02-optimise.py, ...; does nothing without a folder. */
export function phaseDump(folder: string | undefined): PhaseDump {
  if (folder === undefined) return () => undefined;
  mkdirSync(folder, { recursive: true });
  let number = 0;
  return (phase, module) => {
    number += 1;
    const file = `${String(number).padStart(2, "0")}-${phase}.py`;
    writeFileSync(path.join(folder, file), printScript(module));
  };
}
