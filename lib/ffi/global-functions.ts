// Generated from the reflection metadata of TVM 0.27.0.post1. Do not edit; after using a new TVM function, run:
//
//   npx tsx scripts/generate-ffi-signatures.ts
//
// Integers beyond 2^53 arrive as bigints although a result says `number`.
import type { DType, FfiArgument, FfiCallback, FfiFloat, FfiFunction, FfiModule, FfiObject, FfiValue, Tensor } from "./value.js";

declare const typeKeys: unique symbol;

/**
 * A handle of TVM type `K`. Where both sides are known, passing a handle of an unrelated type does not compile; a plain
 * FfiObject is accepted everywhere and checked by TVM at the call.
 */
export type Ref<K extends string> = FfiObject & { readonly [typeKeys]?: { readonly [P in K]: true } };

/** A parameter of TVM type `K`. TVM's metadata does not say which references may be null: TVM checks at the call. */
export type Arg<K extends string> = Ref<K> | null;
/** A parameter that TVM makes an expression of: numbers become immediates. */
export type ExprArg = Arg<"ir.Expr"> | number | bigint | boolean | FfiFloat;
/** A parameter that TVM makes a scalar type of. */
export type PrimTypeArg = Arg<"ir.PrimType"> | DType | string;

export type ir_BaseFunc = Ref<"ir.BaseFunc" | "ir.Expr">;
export type ir_Call = Ref<"ir.Call" | "ir.Expr">;
export type ir_DictAttrs = Ref<"ir.DictAttrs" | "ir.Attrs">;
export type ir_Expr = Ref<"ir.Expr">;
export type ir_FloatImm = Ref<"ir.FloatImm" | "ir.Constant" | "ir.Expr">;
export type ir_GlobalVar = Ref<"ir.GlobalVar" | "ir.Expr">;
export type ir_IRModule = Ref<"ir.IRModule">;
export type ir_IntImm = Ref<"ir.IntImm" | "ir.Constant" | "ir.Expr">;
export type ir_Op = Ref<"ir.Op" | "ir.Expr">;
export type ir_PointerType = Ref<"ir.PointerType" | "ir.Type">;
export type ir_PrimType = Ref<"ir.PrimType" | "ir.Type">;
export type ir_Range = Ref<"ir.Range">;
export type ir_StringImm = Ref<"ir.StringImm" | "ir.Constant" | "ir.Expr">;
export type ir_TensorLoad = Ref<"ir.TensorLoad" | "ir.Expr">;
export type ir_Tuple = Ref<"ir.Tuple" | "ir.Expr">;
export type ir_TupleGetItem = Ref<"ir.TupleGetItem" | "ir.Expr">;
export type ir_TupleType = Ref<"ir.TupleType" | "ir.Type">;
export type ir_Type = Ref<"ir.Type">;
export type ir_Var = Ref<"ir.Var" | "ir.Expr">;
export type prim_Broadcast = Ref<"prim.Broadcast" | "ir.Expr">;
export type prim_Ramp = Ref<"prim.Ramp" | "ir.Expr">;
export type prim_Select = Ref<"prim.Select" | "ir.Expr">;
export type prim_Shuffle = Ref<"prim.Shuffle" | "ir.Expr">;
export type relax_BlockBuilder = Ref<"relax.BlockBuilder">;
export type relax_ExecBuilder = Ref<"relax.ExecBuilder">;
export type relax_TensorType = Ref<"relax.TensorType" | "ir.Type">;
export type relax_expr_BindingBlock = Ref<"relax.expr.BindingBlock">;
export type relax_expr_Function = Ref<"relax.expr.Function" | "ir.BaseFunc" | "ir.Expr">;
export type relax_expr_SeqExpr = Ref<"relax.expr.SeqExpr" | "ir.Expr">;
export type relax_expr_ShapeExpr = Ref<"relax.expr.ShapeExpr" | "ir.Expr">;
export type target_Target = Ref<"target.Target">;
export type te_CommReducer = Ref<"te.CommReducer">;
export type te_ComputeOp = Ref<"te.ComputeOp" | "te.BaseComputeOp" | "te.Operation">;
export type te_Reduce = Ref<"te.Reduce" | "ir.OpaqueExpr" | "ir.Expr">;
export type te_Tensor = Ref<"te.Tensor" | "ir.OpaqueExpr" | "ir.Expr">;
export type tirx_AllocBuffer = Ref<"tirx.AllocBuffer" | "tirx.Stmt">;
export type tirx_AttrStmt = Ref<"tirx.AttrStmt" | "tirx.Stmt">;
export type tirx_Bind = Ref<"tirx.Bind" | "tirx.Stmt">;
export type tirx_BufferStore = Ref<"tirx.BufferStore" | "tirx.Stmt">;
export type tirx_BufferType = Ref<"tirx.BufferType" | "ir.Type">;
export type tirx_Evaluate = Ref<"tirx.Evaluate" | "tirx.Stmt">;
export type tirx_For = Ref<"tirx.For" | "tirx.Stmt">;
export type tirx_IfThenElse = Ref<"tirx.IfThenElse" | "tirx.Stmt">;
export type tirx_IterVar = Ref<"tirx.IterVar" | "ir.PrimExprConvertible">;
export type tirx_PrimFunc = Ref<"tirx.PrimFunc" | "ir.BaseFunc" | "ir.Expr">;
export type tirx_SeqStmt = Ref<"tirx.SeqStmt" | "tirx.Stmt">;
export type transform_Pass = Ref<"transform.Pass">;

/** Every global function of TVM that this project uses. */
export interface GlobalFunctions {
  "ffi.Array": (...args: FfiArgument[]) => FfiValue;
  "ffi.FunctionRemoveGlobal": (a0: string) => boolean;
  "ffi.GetGlobalFuncMetadata": (a0: string) => string;
  "ffi.MakeObjectFromPackedArgs": (...args: FfiArgument[]) => FfiValue;
  "ffi.ModuleGetPropertyMask": (a0: FfiModule) => number;
  "ffi.ModuleImportModule": (a0: FfiModule, a1: FfiModule) => null;
  "ffi.ModuleWriteToFile": (a0: FfiModule, a1: string, a2: string) => null;
  "ffi.StructuralEqual": (a0: FfiArgument, a1: FfiArgument, a2: boolean, a3: boolean) => boolean;
  "ir.BaseFuncWithAttr": (a0: Arg<"ir.BaseFunc">, a1: string, a2: FfiArgument) => ir_BaseFunc;
  "ir.BaseFuncWithoutAttr": (a0: Arg<"ir.BaseFunc">, a1: string) => ir_BaseFunc;
  "ir.BaseFunc_Attrs": (a0: Arg<"ir.BaseFunc">) => ir_DictAttrs;
  "ir.Call": (a0: Arg<"ir.Type">, a1: ExprArg, a2: readonly ExprArg[], a3: Arg<"ir.Attrs">, a4: readonly Arg<"ir.Type">[], a5: Arg<"ir.Span">) => ir_Call;
  "ir.DictAttrsGetDict": (a0: Arg<"ir.DictAttrs">) => Map<string, FfiValue>;
  "ir.FloatImm": (a0: DType | string, a1: number | FfiFloat, a2: Arg<"ir.Span">) => ir_FloatImm;
  "ir.GetOp": (a0: string) => ir_Op;
  "ir.GlobalVar": (a0: string) => ir_GlobalVar;
  "ir.IRModule": (a0: ReadonlyMap<Arg<"ir.GlobalVar">, Arg<"ir.BaseFunc">>, a1: FfiObject, a2: ReadonlyMap<string, readonly Arg<"ir.GlobalInfo">[]> | { readonly [key: string]: readonly Arg<"ir.GlobalInfo">[] }) => ir_IRModule;
  "ir.IntImm": (a0: DType | string, a1: number | bigint, a2: Arg<"ir.Span">) => ir_IntImm;
  "ir.Module_GetGlobalVars": (a0: Arg<"ir.IRModule">) => ir_GlobalVar[];
  "ir.Module_Lookup_str": (a0: Arg<"ir.IRModule">, a1: string) => ir_BaseFunc;
  "ir.PointerType": (a0: Arg<"ir.Type">, a1: string) => ir_PointerType;
  "ir.PrimType": (a0: DType | string) => ir_PrimType;
  "ir.Range_from_min_extent": (a0: ExprArg, a1: ExprArg, a2: Arg<"ir.Span">) => ir_Range;
  "ir.StringImm": (a0: string, a1: Arg<"ir.Span">) => ir_StringImm;
  "ir.Tuple": (a0: readonly ExprArg[], a1: Arg<"ir.Span">) => ir_Tuple;
  "ir.TupleGetItem": (a0: ExprArg, a1: number | bigint, a2: Arg<"ir.Span">) => ir_TupleGetItem;
  "ir.TupleType": (a0: readonly Arg<"ir.Type">[], a1: Arg<"ir.Span">) => ir_TupleType;
  "ir.TypeMissing": () => ir_Type;
  "ir.Var": (a0: string, a1: Arg<"ir.Type">, a2: Arg<"ir.Span">) => ir_Var;
  "node.TVMScriptPrinterScript": (a0: FfiObject, a1: Arg<"script.PrinterConfig">) => string;
  "prim.Broadcast": (a0: ExprArg, a1: ExprArg, a2: Arg<"ir.Span">) => prim_Broadcast;
  "prim.Ramp": (a0: ExprArg, a1: ExprArg, a2: ExprArg, a3: Arg<"ir.Span">) => prim_Ramp;
  "prim.Select": (a0: ExprArg, a1: ExprArg, a2: ExprArg, a3: Arg<"ir.Span">) => prim_Select;
  "prim.Shuffle": (a0: readonly ExprArg[], a1: readonly ExprArg[], a2: Arg<"ir.Span">) => prim_Shuffle;
  "prim._OpAdd": (a0: ExprArg, a1: ExprArg, a2: Arg<"ir.Span">) => ir_Expr;
  "prim._OpDiv": (a0: ExprArg, a1: ExprArg, a2: Arg<"ir.Span">) => ir_Expr;
  "prim._OpEQ": (a0: ExprArg, a1: ExprArg, a2: Arg<"ir.Span">) => ir_Expr;
  "prim._OpFloorDiv": (a0: ExprArg, a1: ExprArg, a2: Arg<"ir.Span">) => ir_Expr;
  "prim._OpFloorMod": (a0: ExprArg, a1: ExprArg, a2: Arg<"ir.Span">) => ir_Expr;
  "prim._OpGE": (a0: ExprArg, a1: ExprArg, a2: Arg<"ir.Span">) => ir_Expr;
  "prim._OpGT": (a0: ExprArg, a1: ExprArg, a2: Arg<"ir.Span">) => ir_Expr;
  "prim._OpLE": (a0: ExprArg, a1: ExprArg, a2: Arg<"ir.Span">) => ir_Expr;
  "prim._OpLT": (a0: ExprArg, a1: ExprArg, a2: Arg<"ir.Span">) => ir_Expr;
  "prim._OpMax": (a0: ExprArg, a1: ExprArg, a2: Arg<"ir.Span">) => ir_Expr;
  "prim._OpMin": (a0: ExprArg, a1: ExprArg, a2: Arg<"ir.Span">) => ir_Expr;
  "prim._OpMul": (a0: ExprArg, a1: ExprArg, a2: Arg<"ir.Span">) => ir_Expr;
  "prim._OpSub": (a0: ExprArg, a1: ExprArg, a2: Arg<"ir.Span">) => ir_Expr;
  "prim._cast": (a0: PrimTypeArg, a1: ExprArg, a2: Arg<"ir.Span">) => ir_Expr;
  "prim.bitwise_and": (...args: FfiArgument[]) => FfiValue;
  "prim.bitwise_or": (...args: FfiArgument[]) => FfiValue;
  "prim.left_shift": (...args: FfiArgument[]) => FfiValue;
  "prim.min_value": (a0: PrimTypeArg, a1: Arg<"ir.Span">) => ir_Expr;
  "prim.right_shift": (...args: FfiArgument[]) => FfiValue;
  "relax.BlockBuilderAddFunction": (a0: Arg<"relax.BlockBuilder">, a1: Arg<"ir.BaseFunc">, a2: string) => ir_GlobalVar;
  "relax.BlockBuilderBeginBindingBlock": (a0: Arg<"relax.BlockBuilder">) => null;
  "relax.BlockBuilderBeginDataflowBlock": (a0: Arg<"relax.BlockBuilder">) => null;
  "relax.BlockBuilderBeginScope": (a0: Arg<"relax.BlockBuilder">, a1: readonly Arg<"ir.Var">[] | null) => null;
  "relax.BlockBuilderCreate": (a0: Arg<"ir.IRModule">) => relax_BlockBuilder;
  "relax.BlockBuilderEmit": (a0: Arg<"relax.BlockBuilder">, a1: ExprArg, a2: string) => ir_Var;
  "relax.BlockBuilderEmitOutput": (a0: Arg<"relax.BlockBuilder">, a1: ExprArg, a2: string) => ir_Var;
  "relax.BlockBuilderEndBlock": (a0: Arg<"relax.BlockBuilder">) => relax_expr_BindingBlock;
  "relax.BlockBuilderEndScope": (a0: Arg<"relax.BlockBuilder">) => null;
  "relax.BlockBuilderFinalize": (a0: Arg<"relax.BlockBuilder">) => ir_IRModule;
  "relax.BlockBuilderNormalize": (a0: Arg<"relax.BlockBuilder">, a1: ExprArg) => ir_Expr;
  "relax.ExecBuilderCreate": () => relax_ExecBuilder;
  "relax.Function": (a0: readonly Arg<"ir.Var">[], a1: ExprArg, a2: Arg<"ir.Type">, a3: boolean, a4: Arg<"ir.DictAttrs">, a5: Arg<"ir.Span">) => relax_expr_Function;
  "relax.SeqExpr": (a0: readonly Arg<"relax.expr.BindingBlock">[], a1: ExprArg, a2: Arg<"ir.Span">) => relax_expr_SeqExpr;
  "relax.ShapeExpr": (a0: readonly ExprArg[], a1: Arg<"ir.Span">) => relax_expr_ShapeExpr;
  "relax.TensorType": (a0: ExprArg, a1: PrimTypeArg, a2: number | bigint, a3: Arg<"relax.VDevice">, a4: Arg<"ir.Span">) => relax_TensorType;
  "relax.VMCodeGen": (a0: Arg<"relax.ExecBuilder">, a1: Arg<"ir.IRModule">) => ir_IRModule;
  "relax.VMLink": (a0: Arg<"relax.ExecBuilder">, a1: Arg<"target.Target">, a2: FfiModule | null, a3: readonly FfiModule[], a4: ReadonlyMap<string, Tensor> | { readonly [key: string]: Tensor }) => FfiModule;
  "relax.analysis.well_formed": (a0: Arg<"ir.IRModule"> | Arg<"relax.expr.Function">, a1: boolean) => null;
  "relax.op.call_tir": (a0: ExprArg, a1: Arg<"ir.Tuple">, a2: readonly Arg<"relax.TensorType">[]) => ir_Expr;
  "relax.transform.AttachGlobalSymbol": () => transform_Pass;
  "relax.transform.CallTIRRewrite": () => transform_Pass;
  "relax.transform.ComputePrimValue": () => transform_Pass;
  "relax.transform.DeadCodeElimination": (a0: readonly string[]) => transform_Pass;
  "relax.transform.KillAfterLastUse": () => transform_Pass;
  "relax.transform.LowerAllocTensor": () => transform_Pass;
  "relax.transform.LowerRuntimeBuiltin": () => transform_Pass;
  "relax.transform.Normalize": () => transform_Pass;
  "relax.transform.RemovePurityChecking": () => transform_Pass;
  "relax.transform.StaticPlanBlockMemory": () => transform_Pass;
  "relax.transform.ToNonDataflow": () => transform_Pass;
  "relax.transform.VMShapeLower": (a0: boolean) => transform_Pass;
  "runtime.ModulePackImportsToLLVM": (a0: FfiModule, a1: boolean, a2: string, a3: string) => FfiModule;
  "runtime.TVMTensorCopyFromTo": (a0: Tensor, a1: Tensor) => null;
  "s_tir.transform.CanonicalizeLoop": () => transform_Pass;
  "s_tir.transform.ConvertBlocksToOpaque": () => transform_Pass;
  "s_tir.transform.LowerInitBlock": () => transform_Pass;
  "s_tir.transform.LowerMatchBuffer": () => transform_Pass;
  "s_tir.transform.LowerOpaqueBlock": () => transform_Pass;
  "s_tir.transform.PlanAndUpdateBufferAllocationLocation": () => transform_Pass;
  "s_tir.transform.RewriteUnsafeSelect": () => transform_Pass;
  "s_tir.transform.UnifyThreadBinding": () => transform_Pass;
  "script.Complete": (a0: Arg<"tirx.PrimFunc">, a1: readonly Arg<"ir.Var">[], a2: boolean) => tirx_PrimFunc;
  "target.Target": (...args: FfiArgument[]) => FfiValue;
  "target.WithHost": (a0: Arg<"target.Target">, a1: Arg<"target.Target">) => target_Target;
  "target.build.cuda": (a0: Arg<"ir.IRModule">, a1: Arg<"target.Target">) => FfiModule;
  "target.build.llvm": (a0: Arg<"ir.IRModule">, a1: Arg<"target.Target">) => FfiModule;
  "target.build.opencl": (a0: Arg<"ir.IRModule">, a1: Arg<"target.Target">) => FfiModule;
  "target.build.webgpu": (a0: Arg<"ir.IRModule">, a1: Arg<"target.Target">) => FfiModule;
  "target.llvm_get_cpu_archlist": (a0: Arg<"target.Target">) => string[];
  "target.llvm_get_cpu_features": (a0: Arg<"target.Target">) => Map<string, string>;
  "target.llvm_get_system_cpu": () => string;
  "target.llvm_get_system_triple": () => string;
  "target.llvm_lookup_intrinsic_id": (a0: string) => number;
  "te.CommReducer": (a0: readonly Arg<"ir.Var">[], a1: readonly Arg<"ir.Var">[], a2: readonly ExprArg[], a3: readonly ExprArg[], a4: Arg<"ir.Span">) => te_CommReducer;
  "te.ComputeOp": (a0: string, a1: string, a2: ReadonlyMap<string, FfiArgument> | { readonly [key: string]: FfiArgument } | null, a3: readonly Arg<"tirx.IterVar">[], a4: readonly ExprArg[]) => te_ComputeOp;
  "te.CreatePrimFunc": (...args: FfiArgument[]) => FfiValue;
  "te.OpGetOutput": (a0: Arg<"te.Operation">, a1: number | bigint) => te_Tensor;
  "te.Placeholder": (a0: ExprArg | readonly ExprArg[], a1: PrimTypeArg, a2: string) => te_Tensor;
  "te.Reduce": (a0: Arg<"te.CommReducer">, a1: readonly ExprArg[], a2: readonly Arg<"tirx.IterVar">[], a3: ExprArg, a4: number | bigint, a5: readonly ExprArg[], a6: Arg<"ir.Span">) => te_Reduce;
  "te.TensorLoad": (a0: Arg<"te.Tensor">, a1: readonly ExprArg[]) => ir_Expr;
  "tirx.AllocBuffer": (a0: Arg<"ir.Var">, a1: ReadonlyMap<string, FfiArgument> | { readonly [key: string]: FfiArgument } | null, a2: Arg<"ir.Span">) => tirx_AllocBuffer;
  "tirx.AttrStmt": (a0: FfiArgument, a1: string, a2: ExprArg, a3: Arg<"tirx.Stmt">, a4: Arg<"ir.Span">) => tirx_AttrStmt;
  "tirx.Bind": (a0: Arg<"ir.Var">, a1: ExprArg, a2: Arg<"ir.Span">) => tirx_Bind;
  "tirx.BufferLoad": (a0: Arg<"ir.Var">, a1: readonly ExprArg[], a2: Arg<"ir.Span">) => ir_TensorLoad;
  "tirx.BufferStore": (a0: Arg<"ir.Var">, a1: ExprArg, a2: readonly ExprArg[], a3: Arg<"ir.Span">) => tirx_BufferStore;
  "tirx.BufferType": (a0: string, a1: PrimTypeArg, a2: readonly ExprArg[], a3: readonly ExprArg[], a4: ExprArg, a5: number | bigint, a6: number | bigint, a7: Arg<"tirx.Layout">, a8: readonly ExprArg[], a9: Arg<"ir.Span">) => tirx_BufferType;
  "tirx.BufferVar": (a0: string, a1: Arg<"tirx.BufferType">, a2: Arg<"ir.Span">) => ir_Var;
  "tirx.Evaluate": (a0: ExprArg, a1: Arg<"ir.Span">) => tirx_Evaluate;
  "tirx.For": (a0: Arg<"ir.Var">, a1: ExprArg, a2: ExprArg, a3: number | bigint, a4: Arg<"tirx.Stmt">, a5: Arg<"tirx.IterVar">, a6: ReadonlyMap<string, FfiArgument> | { readonly [key: string]: FfiArgument } | null, a7: ExprArg, a8: Arg<"ir.Span">) => tirx_For;
  "tirx.IfThenElse": (a0: ExprArg, a1: Arg<"tirx.Stmt">, a2: Arg<"tirx.Stmt">, a3: Arg<"ir.Span">) => tirx_IfThenElse;
  "tirx.IterVar": (a0: Arg<"ir.Range">, a1: Arg<"ir.Var">, a2: number | bigint, a3: string, a4: Arg<"ir.Span">) => tirx_IterVar;
  "tirx.PrimFunc": (a0: readonly Arg<"ir.Var">[], a1: Arg<"tirx.Stmt">, a2: Arg<"ir.Type">, a3: Arg<"ir.DictAttrs">, a4: Arg<"ir.Span">) => tirx_PrimFunc;
  "tirx.SeqStmt": (a0: readonly Arg<"tirx.Stmt">[], a1: Arg<"ir.Span">) => tirx_SeqStmt;
  "tirx.reinterpret": (a0: Arg<"ir.Type">, a1: ExprArg, a2: Arg<"ir.Span">) => ir_Expr;
  "tirx.transform.AnnotateEntryFunc": () => transform_Pass;
  "tirx.transform.BF16ComputeLegalize": () => transform_Pass;
  "tirx.transform.BF16StorageLegalize": () => transform_Pass;
  "tirx.transform.BindTarget": (a0: Arg<"target.Target">) => transform_Pass;
  "tirx.transform.Filter": (a0: FfiFunction | FfiCallback) => transform_Pass;
  "tirx.transform.FlattenBuffer": () => transform_Pass;
  "tirx.transform.LowerIntrin": () => transform_Pass;
  "tirx.transform.LowerTVMBuiltin": () => transform_Pass;
  "tirx.transform.MakePackedAPI": () => transform_Pass;
  "tirx.transform.NarrowDataType": (a0: number | bigint) => transform_Pass;
  "tirx.transform.SplitHostDevice": () => transform_Pass;
  "tirx.transform.StmtSimplify": () => transform_Pass;
  "tirx.transform.StorageRewrite": () => transform_Pass;
  "tirx.transform.UnrollLoop": () => transform_Pass;
  "tirx.transform.VectorizeLoop": (a0: boolean) => transform_Pass;
  "tirx.transform.VerifyMemory": () => transform_Pass;
  "transform.RunPass": (a0: Arg<"transform.Pass">, a1: Arg<"ir.IRModule">) => ir_IRModule;
}

/** What the loaded libraries are checked against (signature-check.ts). */
export const signatures = {
  tvm: "0.27.0.post1",
  runtime: {
    hash: "96136b3354b3595930045118cfa931bd012f0f44a58472f23f95505b1950d8b2",
    names: [
      "ffi.Array",
      "ffi.FunctionRemoveGlobal",
      "ffi.GetGlobalFuncMetadata",
      "ffi.MakeObjectFromPackedArgs",
      "ffi.ModuleGetPropertyMask",
      "ffi.ModuleImportModule",
      "ffi.ModuleWriteToFile",
      "ffi.StructuralEqual",
      "runtime.TVMTensorCopyFromTo",
    ],
  },
  compiler: {
    hash: "8567f03e387f551ff989b17bd850ec079283c893938a37be138fcd779589a767",
    names: [
      "ir.BaseFuncWithAttr",
      "ir.BaseFuncWithoutAttr",
      "ir.BaseFunc_Attrs",
      "ir.Call",
      "ir.DictAttrsGetDict",
      "ir.FloatImm",
      "ir.GetOp",
      "ir.GlobalVar",
      "ir.IRModule",
      "ir.IntImm",
      "ir.Module_GetGlobalVars",
      "ir.Module_Lookup_str",
      "ir.PointerType",
      "ir.PrimType",
      "ir.Range_from_min_extent",
      "ir.StringImm",
      "ir.Tuple",
      "ir.TupleGetItem",
      "ir.TupleType",
      "ir.TypeMissing",
      "ir.Var",
      "node.TVMScriptPrinterScript",
      "prim.Broadcast",
      "prim.Ramp",
      "prim.Select",
      "prim.Shuffle",
      "prim._OpAdd",
      "prim._OpDiv",
      "prim._OpEQ",
      "prim._OpFloorDiv",
      "prim._OpFloorMod",
      "prim._OpGE",
      "prim._OpGT",
      "prim._OpLE",
      "prim._OpLT",
      "prim._OpMax",
      "prim._OpMin",
      "prim._OpMul",
      "prim._OpSub",
      "prim._cast",
      "prim.bitwise_and",
      "prim.bitwise_or",
      "prim.left_shift",
      "prim.min_value",
      "prim.right_shift",
      "relax.BlockBuilderAddFunction",
      "relax.BlockBuilderBeginBindingBlock",
      "relax.BlockBuilderBeginDataflowBlock",
      "relax.BlockBuilderBeginScope",
      "relax.BlockBuilderCreate",
      "relax.BlockBuilderEmit",
      "relax.BlockBuilderEmitOutput",
      "relax.BlockBuilderEndBlock",
      "relax.BlockBuilderEndScope",
      "relax.BlockBuilderFinalize",
      "relax.BlockBuilderNormalize",
      "relax.ExecBuilderCreate",
      "relax.Function",
      "relax.SeqExpr",
      "relax.ShapeExpr",
      "relax.TensorType",
      "relax.VMCodeGen",
      "relax.VMLink",
      "relax.analysis.well_formed",
      "relax.op.call_tir",
      "relax.transform.AttachGlobalSymbol",
      "relax.transform.CallTIRRewrite",
      "relax.transform.ComputePrimValue",
      "relax.transform.DeadCodeElimination",
      "relax.transform.KillAfterLastUse",
      "relax.transform.LowerAllocTensor",
      "relax.transform.LowerRuntimeBuiltin",
      "relax.transform.Normalize",
      "relax.transform.RemovePurityChecking",
      "relax.transform.StaticPlanBlockMemory",
      "relax.transform.ToNonDataflow",
      "relax.transform.VMShapeLower",
      "runtime.ModulePackImportsToLLVM",
      "s_tir.transform.CanonicalizeLoop",
      "s_tir.transform.ConvertBlocksToOpaque",
      "s_tir.transform.LowerInitBlock",
      "s_tir.transform.LowerMatchBuffer",
      "s_tir.transform.LowerOpaqueBlock",
      "s_tir.transform.PlanAndUpdateBufferAllocationLocation",
      "s_tir.transform.RewriteUnsafeSelect",
      "s_tir.transform.UnifyThreadBinding",
      "script.Complete",
      "target.Target",
      "target.WithHost",
      "target.build.cuda",
      "target.build.llvm",
      "target.build.opencl",
      "target.build.webgpu",
      "target.llvm_get_cpu_archlist",
      "target.llvm_get_cpu_features",
      "target.llvm_get_system_cpu",
      "target.llvm_get_system_triple",
      "target.llvm_lookup_intrinsic_id",
      "te.CommReducer",
      "te.ComputeOp",
      "te.CreatePrimFunc",
      "te.OpGetOutput",
      "te.Placeholder",
      "te.Reduce",
      "te.TensorLoad",
      "tirx.AllocBuffer",
      "tirx.AttrStmt",
      "tirx.Bind",
      "tirx.BufferLoad",
      "tirx.BufferStore",
      "tirx.BufferType",
      "tirx.BufferVar",
      "tirx.Evaluate",
      "tirx.For",
      "tirx.IfThenElse",
      "tirx.IterVar",
      "tirx.PrimFunc",
      "tirx.SeqStmt",
      "tirx.reinterpret",
      "tirx.transform.AnnotateEntryFunc",
      "tirx.transform.BF16ComputeLegalize",
      "tirx.transform.BF16StorageLegalize",
      "tirx.transform.BindTarget",
      "tirx.transform.Filter",
      "tirx.transform.FlattenBuffer",
      "tirx.transform.LowerIntrin",
      "tirx.transform.LowerTVMBuiltin",
      "tirx.transform.MakePackedAPI",
      "tirx.transform.NarrowDataType",
      "tirx.transform.SplitHostDevice",
      "tirx.transform.StmtSimplify",
      "tirx.transform.StorageRewrite",
      "tirx.transform.UnrollLoop",
      "tirx.transform.VectorizeLoop",
      "tirx.transform.VerifyMemory",
      "transform.RunPass",
    ],
  },
} as const;
