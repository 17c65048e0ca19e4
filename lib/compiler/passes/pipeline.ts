// Runs the phases in order and, on request, writes the module as TVMScript after each.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { FfiObject } from "../../ffi/index.js";
import { printScript } from "../ir/inspect.js";
import { type TemporaryBytes, temporaryBytes } from "./memory-plan.js";
import { lower, optimise, type Phase, plan, virtualMachine } from "./relax-phases.js";

/** A module ready for code generation. */
export interface LoweredModule {
  readonly module: FfiObject;
  readonly temporaries: TemporaryBytes;
}

export interface PipelineOptions {
  /** Folder for one numbered TVMScript file a phase. */
  readonly debugDump?: string;
  /** Called before each phase. */
  readonly onPhase?: (phase: string) => void;
  /** Adds to the module after planning what depends on the plan (`_metadata`). */
  readonly afterPlan?: (module: FfiObject, temporaries: TemporaryBytes) => FfiObject;
}

/** Optimises, lowers and plans a module. */
export function runPipeline(built: FfiObject, options: PipelineOptions = {}): LoweredModule {
  const dump = moduleDump(options.debugDump);
  dump("build", built);
  const run = (phase: Phase, module: FfiObject) => {
    options.onPhase?.(phase.name);
    const result = phase.run(module);
    dump(phase.name, result);
    return result;
  };
  const planned = [optimise, lower, plan].reduce((module, phase) => run(phase, module), built);
  const temporaries = temporaryBytes(planned);
  const complete = options.afterPlan?.(planned, temporaries) ?? planned;
  return { module: run(virtualMachine, complete), temporaries };
}

/** Writes modules to `folder` as 01-build.py, 02-optimise.py, ...; does nothing without a folder. */
function moduleDump(folder: string | undefined): (phase: string, module: FfiObject) => void {
  if (folder === undefined) return () => undefined;
  mkdirSync(folder, { recursive: true });
  let number = 0;
  return (phase, module) => {
    number += 1;
    const file = `${String(number).padStart(2, "0")}-${phase}.py`;
    writeFileSync(path.join(folder, file), printScript(module));
  };
}
