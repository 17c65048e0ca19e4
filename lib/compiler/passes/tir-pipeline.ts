// Lowers tensor programs to what LLVM code generation takes: blocks and buffers to flat loops, vector loops to vectors,
// each function to the packed calling convention. The CPU part of TVM's default s_tir pipeline in its order, less the passes
// that our kernels give nothing to do (they are written with exact buffers, without split patterns or partition hints) or that
// LLVM does again and faster: buffer compaction, an early simplification, loop partition, condition hoisting, common
// subexpressions, dead statements.
import { call, type FfiObject } from "../../ffi/index.js";

/** The passes, made anew for each run: a pass object is not shared between pass contexts. */
function cpuPasses(): FfiObject[] {
  return [
    call("s_tir.transform.CanonicalizeLoop"),
    call("s_tir.transform.LowerInitBlock"),
    call("s_tir.transform.PlanAndUpdateBufferAllocationLocation"),
    call("s_tir.transform.ConvertBlocksToOpaque"),
    call("s_tir.transform.LowerMatchBuffer"),
    call("s_tir.transform.LowerOpaqueBlock"),
    call("tirx.transform.FlattenBuffer"),
    call("tirx.transform.BF16ComputeLegalize"),
    call("tirx.transform.NarrowDataType", 32),
    call("tirx.transform.VectorizeLoop", true),
    call("tirx.transform.StorageRewrite"),
    call("tirx.transform.UnrollLoop"),
    call("tirx.transform.StmtSimplify"),
    call("s_tir.transform.RewriteUnsafeSelect"),
    call("tirx.transform.VerifyMemory"),
    call("tirx.transform.AnnotateEntryFunc"),
    call("tirx.transform.SplitHostDevice"),
    call("tirx.transform.MakePackedAPI"),
    call("tirx.transform.BF16StorageLegalize"),
    call("tirx.transform.LowerTVMBuiltin"),
    call("tirx.transform.LowerIntrin"),
  ];
}

/** Binds the module's tensor programs to a CPU target and lowers them. */
export function lowerTensorPrograms(module: FfiObject, target: FfiObject): FfiObject {
  const bind = call("tirx.transform.BindTarget", call("target.WithHost", target, target));
  return runPasses([bind, ...cpuPasses()], module);
}

/** Applies passes one after the other. */
export function runPasses(passes: readonly FfiObject[], module: FfiObject): FfiObject {
  return passes.reduce((current, pass) => call("transform.RunPass", pass, current), module);
}
