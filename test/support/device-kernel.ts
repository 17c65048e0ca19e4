// Kernels for a device runtime from a few statements of TIR: threads bound by hand, and the shortest pipeline that lowers them.
import { dictAttrs, withAttribute } from "../../lib/compiler/ir/attributes.js";
import { Buffer } from "../../lib/compiler/ir/buffer.js";
import { irModule } from "../../lib/compiler/ir/ir-module.js";
import { asExpr, type ExprLike, type PrimExpr, variable } from "../../lib/compiler/ir/prim-expr.js";
import { Block } from "../../lib/compiler/ir/statement.js";
import { call, type FfiArgument, FfiModule, FfiObject } from "../../lib/ffi/index.js";
import { globalFunction } from "./global-function.js";

const THREADS = 64;
/** TVM's ForKind and IterVarType of a thread. */
const THREAD_BINDING = 4;
const THREAD_INDEX = 1;

/** Fills the body of a kernel for one element. */
export type ElementBody = (block: Block, index: PrimExpr) => void;

/** A function that runs `body` for each index below `extent`, one thread each, in blocks of 64. */
export function elementwise(
  parameters: readonly (Buffer | PrimExpr)[],
  extent: ExprLike,
  body: ElementBody,
): FfiObject {
  const size = asExpr(extent, "int64");
  const [group, thread] = [variable("group"), variable("thread")];
  const index = group.mul(THREADS).add(thread);
  const guarded = new Block();
  guarded.if(index.lt(size), (inside) => body(inside, index));
  const groups = size.add(THREADS - 1).floorDiv(THREADS);
  const threads = bound(thread, asExpr(THREADS, "int64"), "threadIdx.x", guarded.finish());
  const func = call(
    "tirx.PrimFunc",
    parameters.map(({ handle }) => handle),
    bound(group, groups, "blockIdx.x", threads),
    call("ir.TypeMissing"),
    dictAttrs({ "tirx.noalias": true, s_tir: true }),
    null,
  );
  return call("script.Complete", func, [], true);
}

function bound(index: PrimExpr, extent: PrimExpr, tag: string, body: FfiObject): FfiObject {
  const name = call("ir.Var", "", call("ir.PrimType", "int64"), null);
  const axis = call("tirx.IterVar", null as unknown as FfiObject, name, THREAD_INDEX, tag, null);
  const zero = asExpr(0, "int64").handle;
  return call("tirx.For", index.handle, zero, extent.handle, THREAD_BINDING, body, axis, {}, null, null);
}

const PASSES: readonly (readonly [string, ...FfiArgument[]])[] = [
  ["tirx.transform.ForceNarrowIndexToInt32"],
  ["s_tir.transform.CanonicalizeLoop"],
  ["s_tir.transform.LowerInitBlock"],
  ["s_tir.transform.PlanAndUpdateBufferAllocationLocation"],
  ["s_tir.transform.ConvertBlocksToOpaque"],
  ["s_tir.transform.LiftThreadBinding"],
  ["s_tir.transform.UnifyThreadBinding"],
  ["s_tir.transform.LowerMatchBuffer"],
  ["s_tir.transform.LowerOpaqueBlock"],
  ["tirx.transform.FlattenBuffer"],
  ["tirx.transform.NarrowDataType", 32],
  ["tirx.transform.StorageRewrite"],
  ["tirx.transform.StmtSimplify"],
  ["tirx.transform.VerifyMemory"],
  ["tirx.transform.AnnotateEntryFunc"],
  ["tirx.transform.SplitHostDevice"],
  ["tirx.transform.MakePackedAPI"],
];
const HOST_PASSES = ["tirx.transform.LowerTVMBuiltin", "tirx.transform.LowerIntrin"];
const DEVICE_PASSES = ["tirx.transform.LowerWarpMemory", "tirx.transform.LowerIntrin"];

const make = (name: string, ...args: FfiArgument[]): FfiObject => {
  const result = globalFunction(name).call(...args);
  if (!(result instanceof FfiObject)) throw new Error(`${name} returned ${String(result)}`);
  return result;
};
const makeModule = (name: string, ...args: FfiArgument[]): FfiModule => {
  const result = make(name, ...args);
  if (!(result instanceof FfiModule)) throw new Error(`${name} made no module`);
  return result;
};
const run = (module: FfiObject, pass: FfiObject) => make("transform.RunPass", pass, module);

/** The functions of a module whose target is (or is not) the host's. */
function part(module: FfiObject, host: boolean): FfiObject {
  const kindOf = (func: FfiObject) => {
    const target = make("ir.BaseFunc_Attrs", func).field("__dict__");
    return target instanceof Map ? target.get("target") : undefined;
  };
  const isHost = (func: unknown) => {
    const target = func instanceof FfiObject ? kindOf(func) : undefined;
    const kind = target instanceof FfiObject ? target.field("kind") : undefined;
    return kind instanceof FfiObject && kind.field("name") === "llvm";
  };
  const keep = (func: unknown) => isHost(func) === host;
  return run(module, make("tirx.transform.Filter", keep as (func: unknown) => boolean));
}

/**
 * Compiles functions for a device: the library of their host halves, with the device module imported.
 * @param target TVM's target of the device, e.g. `{ kind: "opencl" }`.
 */
export function buildForDevice(
  functions: Readonly<Record<string, FfiObject>>,
  target: { readonly kind: string; readonly [option: string]: FfiArgument },
): FfiModule {
  const host = make("target.Target", { kind: "llvm", mtriple: call("target.llvm_get_system_triple") });
  const device = make("target.Target", target);
  const named = Object.entries(functions).map(
    ([name, func]) => [name, withAttribute(func, "global_symbol", name)] as const,
  );
  const both = make("target.WithHost", device, host);
  const passes = [["tirx.transform.BindTarget", both] as const, ...PASSES];
  const lowered = passes.reduce(
    (module, [name, ...args]) => run(module, make(name, ...args)),
    irModule(new Map(named)),
  );
  const hostPart = HOST_PASSES.reduce((module, name) => run(module, make(name)), part(lowered, true));
  const devicePart = DEVICE_PASSES.reduce((module, name) => run(module, make(name)), part(lowered, false));
  const library = makeModule("target.build.llvm", hostPart, host);
  globalFunction("ffi.ModuleImportModule").call(
    library,
    makeModule(`target.build.${target.kind}`, devicePart, device),
  );
  return library;
}

/** A vector parameter that takes views too: tensors which begin anywhere in their memory. */
export function viewParameter(name: string, length: PrimExpr): Buffer {
  const begin = variable(`${name}_begin`).handle;
  const element = call("ir.PrimType", "float32");
  const type = call("tirx.BufferType", "", element, [length.handle], [], begin, -1, 1, null, [], null);
  return Object.defineProperty(new Buffer(name, [length], "float32"), "handle", {
    value: call("tirx.BufferVar", name, type, null),
  });
}
