// Runs the phases in order.
import { call, type FfiObject } from "../../ffi/index.js";
import { type TemporaryBytes, temporaryBytes } from "./memory-plan.js";
import type { PhaseDump } from "./phase-dump.js";
import { lower, optimise, type Phase, plan, virtualMachine } from "./relax-phases.js";

/** A module ready for code generation. */
export interface LoweredModule {
  readonly module: FfiObject;
  readonly temporaries: TemporaryBytes;
}

export interface PipelineOptions {
  /** Receives the module as built and after each phase, which is then verified too. */
  readonly dump?: PhaseDump;
  /** Called before each phase. */
  readonly onPhase?: (phase: string) => void;
  /** Adds to the module after planning what depends on the plan (`_metadata`). */
  readonly afterPlan?: (module: FfiObject, temporaries: TemporaryBytes) => FfiObject;
}

/** Optimises, lowers and plans a module. */
export function runPipeline(built: FfiObject, options: PipelineOptions = {}): LoweredModule {
  inspect(built, "build", options.dump);
  const run = (phase: Phase, module: FfiObject) => {
    options.onPhase?.(phase.name);
    const result = phase.run(module);
    inspect(result, phase.name, options.dump);
    return result;
  };
  const planned = [optimise, lower, plan].reduce((module, phase) => run(phase, module), built);
  const temporaries = temporaryBytes(planned);
  const complete = options.afterPlan?.(planned, temporaries) ?? planned;
  return { module: run(virtualMachine, complete), temporaries };
}

/** Dumps a module, then checks it: a broken one can still be read in the dump. Errors: ERR_NATIVE naming the fault. */
function inspect(module: FfiObject, phase: string, dump: PhaseDump | undefined): void {
  if (dump === undefined) return;
  dump(phase, module);
  call("relax.analysis.well_formed", module, true);
}
