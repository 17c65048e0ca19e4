// From a tensor expression to machine code and back into JavaScript, through the binding alone (no lib/compiler).
import { existsSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import {
  compilerLibraryPath,
  type FfiArgument,
  FfiFloat,
  FfiModule,
  FfiObject,
  type FfiValue,
  loadCompilerLibrary,
  registerGlobalFunction,
  Tensor,
  useThreads,
} from "../../lib/ffi/index.js";
import { globalFunction } from "../support/global-function.js";

const invoke = (name: string, ...args: FfiArgument[]): FfiValue => globalFunction(name).call(...args);

/** A result that must be an object. */
function make(name: string, ...args: FfiArgument[]): FfiObject {
  const result = invoke(name, ...args);
  if (!(result instanceof FfiObject)) throw new Error(`${name} returned ${String(result)}`);
  return result;
}

const PASSES: readonly (readonly [string, ...FfiArgument[]])[] = [
  ["s_tir.transform.CanonicalizeLoop"],
  ["s_tir.transform.LowerInitBlock"],
  ["s_tir.transform.PlanAndUpdateBufferAllocationLocation"],
  ["s_tir.transform.ConvertBlocksToOpaque"],
  ["s_tir.transform.CompactBufferAllocation", true],
  ["s_tir.transform.LowerMatchBuffer"],
  ["s_tir.transform.LowerOpaqueBlock"],
  ["tirx.transform.FlattenBuffer"],
  ["tirx.transform.NarrowDataType", 32],
  ["tirx.transform.VectorizeLoop", true],
  ["tirx.transform.StorageRewrite"],
  ["tirx.transform.UnrollLoop"],
  ["tirx.transform.StmtSimplify"],
  ["tirx.transform.AnnotateEntryFunc"],
  ["tirx.transform.SplitHostDevice"],
  ["tirx.transform.MakePackedAPI"],
  ["tirx.transform.LowerTVMBuiltin"],
  ["tirx.transform.LowerIntrin"],
];

/** Lowers one tensor program and compiles it in memory. */
function build(primFunc: FfiObject, name: string): FfiModule {
  const named = make("ir.BaseFuncWithAttr", primFunc, "global_symbol", name);
  const attrs = invoke("ffi.MakeObjectFromPackedArgs", "ir.DictAttrs", "__dict__", {});
  let module = make("ir.IRModule", new Map([[make("ir.GlobalVar", name), named]]), attrs, {});
  const target = make("target.Target", {
    kind: "llvm",
    mtriple: invoke("target.llvm_get_system_triple"),
    mcpu: invoke("target.llvm_get_system_cpu"),
  });
  const passes = [["tirx.transform.BindTarget", make("target.WithHost", target, target)] as const, ...PASSES];
  for (const [pass, ...args] of passes) module = make("transform.RunPass", make(pass, ...args), module);
  const built = invoke("target.build.llvm", module, target);
  if (!(built instanceof FfiModule)) throw new Error("no module");
  return built;
}

const float32 = () => make("ir.PrimType", "float32");
const index = (name: string) => make("ir.Var", name, make("ir.PrimType", "int64"), null);
const buffer = (name: string, extent: FfiArgument) =>
  make(
    "tirx.BufferVar",
    name,
    make("tirx.BufferType", "", "float32", [extent], [], null, -1, 0, null, [], null),
    null,
  );

describe.skipIf(!existsSync(compilerLibraryPath()))("compiled in memory", () => {
  beforeAll(() => loadCompilerLibrary());

  it("a tensor expression: y = silu(x) * 2 over a dynamic length", () => {
    const n = index("n");
    const extents = [n, make("ir.IntImm", "int64", 16, null)];
    const zero = make("ir.IntImm", "int64", 0, null);
    const x = make("te.Placeholder", extents, float32(), "x");
    const axes = extents.map((extent, k) =>
      make("tirx.IterVar", make("ir.Range_from_min_extent", zero, extent, null), index(`i${k}`), 0, "", null),
    );
    const value = make(
      "te.TensorLoad",
      x,
      axes.map((axis) => axis.field("var") as FfiObject),
    );
    const sigmoid = make("ir.Call", float32(), make("ir.GetOp", "tirx.sigmoid"), [value], null, [], null);
    const two = make("ir.FloatImm", "float32", 2, null);
    const body = make("prim._OpMul", make("prim._OpMul", value, sigmoid, null), two, null);
    const y = make("te.OpGetOutput", make("te.ComputeOp", "y", "", null, axes, [body]), 0);
    const program = make("te.CreatePrimFunc", [x, y], null);
    const kernel = build(program, "silu2").getFunction("silu2");

    const values = Float32Array.from({ length: 160 }, (_, k) => Math.sin(k) * 3);
    const [input, output] = [Tensor.from(values, [10, 16]), Tensor.empty([10, 16], "float32")];
    kernel.call(input, output);
    const expected = Array.from(values, (v) => (2 * v) / (1 + Math.exp(-v)));
    for (const [k, v] of (output.view() as Float32Array).entries())
      expect(v).toBeCloseTo(expected[k] ?? Number.NaN, 5);

    // Shapes and types are checked by the compiled function itself.
    expect(() => kernel.call(Tensor.from(new Float64Array(160), [10, 16]), output)).toThrow(/float32/);
    expect(() => kernel.call(input, Tensor.empty([2, 16], "float32"))).toThrow(
      expect.objectContaining({ code: "ERR_NATIVE" }),
    );
  });

  it("a kernel's parallel loop cannot call JavaScript off its thread, and says so", () => {
    let onThread = 0;
    let delay = 0;
    registerGlobalFunction(
      "test.from_kernel",
      () => {
        onThread++;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delay);
        delay = 0;
        return 0;
      },
      true,
    );
    const [i, y] = [index("i"), buffer("y", 64)];
    const callback = make(
      "ir.Call",
      make("ir.PrimType", "int32"),
      make("ir.GetOp", "tirx.tvm_call_packed"),
      [make("ir.StringImm", "test.from_kernel", null), i],
      null,
      [],
      null,
    );
    const body = make(
      "tirx.SeqStmt",
      [
        make("tirx.Evaluate", callback, null),
        make("tirx.BufferStore", y, make("ir.FloatImm", "float32", new FfiFloat(1), null), [i], null),
      ],
      null,
    );
    const kernelOf = (kind: number, name: string) => {
      const loop = make("tirx.For", i, 0, 64, kind, body, null, {}, null, null);
      const attrs = invoke("ffi.MakeObjectFromPackedArgs", "ir.DictAttrs", "__dict__", { s_tir: true });
      const program = make("tirx.PrimFunc", [y], loop, make("ir.TypeMissing"), attrs, null);
      return build(make("script.Complete", program, [], true), name).getFunction(name);
    };
    const output = Tensor.empty([64], "float32");
    kernelOf(0, "serial").call(output);
    expect(onThread).toBe(64);
    expect(output.view()).toEqual(new Float32Array(64).fill(1));
    // Without threads of its own this one calls everything itself.
    onThread = 0;
    const parallel = kernelOf(1, "parallel");
    parallel.call(output);
    expect(onThread).toBe(64);
    if (useThreads(2) > 1) {
      // The other half of the loop is begun meanwhile: what nobody begins, the caller does.
      delay = 300;
      expect(() => parallel.call(output)).toThrow(
        expect.objectContaining({ code: "ERR_NATIVE", message: expect.stringMatching(/Task 1 error: /) }),
      );
      expect(onThread).toBe(64 + 32);
    }
  });

  it("reads nodes by reflection", () => {
    const node = make("ir.IntImm", "int64", 2n ** 60n, null);
    expect(node.field("value")).toBe(2n ** 60n);
    const type = node.field("ty");
    expect(type instanceof FfiObject && type.field("dtype")).toBe("int64");
    expect(node.fieldNames()).toContain("value");
  });

  it("converts by schema: the same literal is a float here and an integer there", () => {
    expect(make("ir.FloatImm", "float32", 3, null).field("value")).toBe(3);
    expect(make("ir.IntImm", "int32", 3, null).field("value")).toBe(3);
    expect(() => make("ir.IntImm", "int32", 3.5, null)).toThrow(/Expected an integer/);
    const dimensions = make("relax.ShapeExpr", [1, 2], null).field("values");
    expect(Array.isArray(dimensions) && dimensions.map((d) => d instanceof FfiObject && d.typeKey)).toEqual([
      "ir.IntImm",
      "ir.IntImm",
    ]);
  });

  it("makes a node in a few microseconds", () => {
    const [n, one] = [index("n"), make("ir.IntImm", "int64", 1, null)];
    const add = globalFunction("prim._OpAdd");
    const started = process.hrtime.bigint();
    for (let i = 0; i < 50_000; i++) add.call(n, one, null);
    expect(Number(process.hrtime.bigint() - started) / 50_000 / 1000).toBeLessThan(20);
  });
});
