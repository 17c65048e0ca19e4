// Lowers tensor programs to what code generation takes: blocks and buffers to flat loops, vector loops to vectors, each function to
// the packed calling convention. TVM's default s_tir pipeline in its order, less the passes that our kernels give nothing to do (they
// are written with exact buffers and their own barriers, without split patterns or partition hints) or that LLVM and the drivers'
// compilers do again and faster: buffer compaction, an early simplification, loop partition, condition hoisting, common
// subexpressions, dead statements.
import { call, FfiObject } from "../../ffi/index.js";

/** The passes, made anew for each run: a pass object is not shared between pass contexts. */
function commonPasses(): FfiObject[] {
  return [
    call("s_tir.transform.CanonicalizeLoop"),
    call("s_tir.transform.LowerInitBlock"),
    call("s_tir.transform.PlanAndUpdateBufferAllocationLocation"),
    call("s_tir.transform.ConvertBlocksToOpaque"),
    // Loops that hardware runs, of kernels for GPUs: one variable for each of its indices.
    call("s_tir.transform.UnifyThreadBinding"),
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
  ];
}

/** Binds the module's tensor programs to a CPU target and lowers them. */
export function lowerTensorPrograms(module: FfiObject, target: FfiObject): FfiObject {
  return runPasses([...boundPasses(target, target), ...hostPasses()], module);
}

/** The two halves of programs for a GPU: what launches kernels on the host, and the kernels. */
export interface SplitPrograms {
  readonly host: FfiObject;
  readonly device: FfiObject;
}

/** Binds the module's tensor programs to a GPU and the processor that launches them, and lowers them. */
export function lowerGpuPrograms(module: FfiObject, device: FfiObject, host: FfiObject): SplitPrograms {
  const lowered = runPasses(boundPasses(device, host), module);
  const half = (ofHost: boolean) =>
    call("tirx.transform.Filter", (func: FfiObject) => isHostFunction(func) === ofHost);
  return {
    host: runPasses([half(true), ...hostPasses()], lowered),
    device: runPasses(
      [half(false), call("tirx.transform.StmtSimplify"), call("tirx.transform.LowerIntrin")],
      lowered,
    ),
  };
}

function boundPasses(device: FfiObject, host: FfiObject): FfiObject[] {
  return [call("tirx.transform.BindTarget", call("target.WithHost", device, host)), ...commonPasses()];
}

function hostPasses(): FfiObject[] {
  return [call("tirx.transform.LowerTVMBuiltin"), call("tirx.transform.LowerIntrin")];
}

function isHostFunction(func: FfiObject): boolean {
  const target = call("ir.DictAttrsGetDict", call("ir.BaseFunc_Attrs", func)).get("target");
  const kind = target instanceof FfiObject ? target.field("kind") : undefined;
  return kind instanceof FfiObject && String(kind.field("name")) === "llvm";
}

/** Applies passes one after the other. */
export function runPasses(passes: readonly FfiObject[], module: FfiObject): FfiObject {
  return passes.reduce((current, pass) => call("transform.RunPass", pass, current), module);
}
