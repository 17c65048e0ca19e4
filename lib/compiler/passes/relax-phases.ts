// The pass pipeline in named phases. Input: the module a model was built into. Output: a module of register-machine
// functions for the Relax VM beside the tensor programs they call.
//
// Kernels arrive fused and write `qkv` and `kv_pages` in place although Relax takes a call for pure. That is sound under
// these passes: each such call has an output that is used, so no pass drops or reorders it, there is no elimination of
// equal calls, and the memory plan frees a tensor only after the call that reads it last, so no output shares its storage.
import { call, type FfiObject } from "../../ffi/index.js";
import { runPasses } from "./tir-pipeline.js";

/** One named step of the pipeline. */
export interface Phase {
  readonly name: string;
  run(module: FfiObject): FfiObject;
}

/** Removes what no result needs. */
export const optimise: Phase = {
  name: "optimise",
  run: (module) =>
    runPasses([call("relax.transform.Normalize"), call("relax.transform.DeadCodeElimination", [])], module),
};

/** Calls of kernels become explicit allocations and destination-passing calls. */
export const lower: Phase = {
  name: "lower",
  run: (module) =>
    runPasses(
      [
        call("relax.transform.ToNonDataflow"),
        call("relax.transform.RemovePurityChecking"),
        call("relax.transform.CallTIRRewrite"),
      ],
      module,
    ),
};

/** Temporaries get storages of fixed size, reused where lifetimes allow. */
export const plan: Phase = {
  name: "plan",
  run: (module) => runPasses([call("relax.transform.StaticPlanBlockMemory")], module),
};

/** Allocations, shapes and symbols in terms of the virtual machine's builtins. */
export const virtualMachine: Phase = {
  name: "virtual-machine",
  run: (module) =>
    runPasses(
      [
        call("relax.transform.LowerAllocTensor"),
        call("relax.transform.KillAfterLastUse"),
        call("relax.transform.LowerRuntimeBuiltin"),
        call("relax.transform.ComputePrimValue"),
        call("relax.transform.VMShapeLower", false),
        call("relax.transform.AttachGlobalSymbol"),
      ],
      module,
    ),
};
