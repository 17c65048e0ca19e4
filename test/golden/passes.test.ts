// The pass pipeline on a module small enough to read: what each phase does, and that kernels may write their inputs.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildExecutable } from "../../lib/compiler/codegen/executable.js";
import { resolveTarget } from "../../lib/compiler/codegen/target.js";
import { BlockBuilder } from "../../lib/compiler/ir/block-builder.js";
import { printScript, structuralEqual } from "../../lib/compiler/ir/inspect.js";
import { functionsOf } from "../../lib/compiler/ir/ir-module.js";
import { callKernel, relaxVar, stringConstant } from "../../lib/compiler/ir/relax-expression.js";
import { sizeVar, tensorType } from "../../lib/compiler/ir/relax-type.js";
import { phaseDump } from "../../lib/compiler/passes/phase-dump.js";
import { runPipeline } from "../../lib/compiler/passes/pipeline.js";
import { MlcError } from "../../lib/errors.js";
import { call, FfiModule, type FfiObject, loadCompilerLibrary, Tensor } from "../../lib/ffi/index.js";
import { accumulateKernel } from "../support/accumulate-kernel.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "node-mlc-passes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() => loadCompilerLibrary());

/** `layers` calls in a row over the same pages; `unused` adds a call whose result nobody needs. */
function chain(layers: number, options: { bound?: number; unused?: boolean } = {}): FfiObject {
  const builder = new BlockBuilder();
  const n = sizeVar("n");
  const x = relaxVar("x", tensorType([n, 8], "float32"));
  const pages = relaxVar("pages", tensorType([sizeVar("p"), 8], "float32"));
  const attributes = options.bound === undefined ? {} : { tir_var_upper_bound: { n: options.bound } };
  builder.relaxFunction("main", [x, pages], { num_input: 2, ...attributes }, (emit) => {
    const layer = (input: FfiObject, slot: number) => {
      const kernel = builder.primFunc("accumulate", accumulateKernel);
      const args = [input, pages, call("ir.IntImm", "int64", slot, null)];
      return emit(callKernel(kernel, args, tensorType([n, 8], "float32")), "");
    };
    if (options.unused) layer(x, 0);
    return Array.from({ length: layers }, (_, i) => i).reduce(layer, x);
  });
  return builder.finish();
}

/** The lines of one function of a module's text. */
function functionText(module: FfiObject, name: string): string {
  const func = functionsOf(module).get(name);
  if (func === undefined) throw new Error(`no function ${name}`);
  return printScript(func)
    .replace(/^#.*\n/gm, "")
    .trim();
}

describe("building", () => {
  it("shares a kernel between calls and prints equal programs equally", () => {
    const module = chain(3);
    expect([...functionsOf(module).keys()]).toEqual(["accumulate", "main"]);
    expect(structuralEqual(module, chain(3))).toBe(true);
    expect(structuralEqual(module, chain(2))).toBe(false);
    expect(printScript(module)).toBe(printScript(chain(3)));
    expect(functionText(module, "main")).toMatchInlineSnapshot(`
      "n = TypeVar("n")
      p = TypeVar("p")
      @R.function
      def main(x: R.Tensor((n, 8), dtype="float32"), pages: R.Tensor((p, 8), dtype="float32")) -> R.Tensor((n, 8), dtype="float32"):
          R.func_attr({"num_input": 2})
          with R.dataflow():
              lv = R.call_tir(accumulate, (x, pages, 0), out_ty=R.Tensor((n, 8), dtype="float32"))
              lv1 = R.call_tir(accumulate, (lv, pages, 1), out_ty=R.Tensor((n, 8), dtype="float32"))
              lv2 = R.call_tir(accumulate, (lv1, pages, 2), out_ty=R.Tensor((n, 8), dtype="float32"))
              gv: R.Tensor((n, 8), dtype="float32") = lv2
              R.output(gv)
          return gv"
    `);
  });
});

describe("phases", () => {
  it("removes what no result needs and keeps calls that write their inputs", () => {
    const dump = path.join(folder, "unused");
    runPipeline(chain(2, { bound: 64, unused: true }), { dump: phaseDump(dump) });
    const calls = (phase: string) => readFileSync(path.join(dump, phase), "utf8").match(/call_tir/g)?.length;
    expect(calls("01-build.py")).toBe(3);
    expect(calls("02-optimise.py")).toBe(2);
    expect(readdirSync(dump)).toEqual([
      "01-build.py",
      "02-optimise.py",
      "03-lower.py",
      "04-plan.py",
      "05-virtual-machine.py",
    ]);
  });

  it("plans temporaries with upper bounds, two storages for a chain of any length", () => {
    const phases: string[] = [];
    const plans = [2, 3, 9].map((layers) =>
      runPipeline(chain(layers, { bound: 64 }), { onPhase: (phase) => phases.push(phase) }).temporaries.get(
        "main",
      ),
    );
    const rows = 64 * 8 * 4;
    // The last output is the caller's: a chain of two needs one temporary, longer ones two in turn.
    expect(plans).toEqual([rows, 2 * rows, 2 * rows]);
    expect(phases.slice(0, 4)).toEqual(["optimise", "lower", "plan", "virtual-machine"]);
  });

  it("never gives a call's output the storage of what the call reads or writes", () => {
    const dump = path.join(folder, "aliasing");
    runPipeline(chain(5, { bound: 4 }), { dump: phaseDump(dump) });
    const text = readFileSync(path.join(dump, "04-plan.py"), "utf8");
    const storageOf = new Map(
      [...text.matchAll(/(alloc\d*): .* R\.memory\.alloc_tensor\((storage\d*)/g)].map(
        ([, tensor, storage]) => [tensor, storage],
      ),
    );
    const tensorOf = new Map(
      [...text.matchAll(/(lv\d*): .* = (alloc\d*)$/gm)].map(([, variable, tensor]) => [variable, tensor]),
    );
    const calls = [...text.matchAll(/accumulate\((\w+), pages, \d+, (\w+)\)/g)];
    expect(calls).toHaveLength(5);
    for (const [, input, output] of calls.slice(1, -1)) {
      expect(storageOf.get(tensorOf.get(input))).toBeDefined();
      expect(storageOf.get(output)).not.toBe(storageOf.get(tensorOf.get(input)));
    }
  });

  it("refuses a temporary without a bound", () => {
    expect(() => runPipeline(chain(3))).toThrow(
      expect.objectContaining({ code: "ERR_COMPILE", message: expect.stringContaining('"main"') }),
    );
    expect(() => runPipeline(chain(3))).toThrow(MlcError);
  });
});

describe("execution", () => {
  it("runs the lowered module in this process, inputs written in order", () => {
    const { module, temporaries } = runPipeline(chain(3, { bound: 16 }), {
      dump: () => undefined,
      afterPlan: (planned, bytes) => {
        const builder = new BlockBuilder(planned);
        builder.constantFunction("_metadata", stringConstant(JSON.stringify([...bytes])));
        return builder.finish();
      },
    });
    const vm = buildExecutable(module, resolveTarget("cpu")).getFunction("vm_load_executable").call();
    if (!(vm instanceof FfiModule)) throw new Error("expected a virtual machine");
    vm.getFunction("vm_initialization").call(1, 0, 2);
    expect(JSON.parse(String(vm.getFunction("_metadata").call()))).toEqual([...temporaries]);

    const x = Tensor.from(
      Float32Array.from({ length: 16 }, (_, i) => i),
      [2, 8],
    );
    const pages = Tensor.from(new Float32Array(3 * 8).fill(1), [3, 8]);
    const output = vm.getFunction("main").call(x, pages) as Tensor;
    // Column 0 holds rows 0 and 8. Slot 0: 1 + 8 = 9, rows 9 and 17; slot 1: 27, rows 36 and 44; slot 2: 81.
    expect(Array.from(pages.view() as Float32Array).filter((_, i) => i % 8 === 0)).toEqual([9, 27, 81]);
    expect(Array.from(output.view() as Float32Array).filter((_, i) => i % 8 === 0)).toEqual([117, 125]);
    const tooLong = Tensor.from(new Float32Array(300 * 8), [300, 8]);
    expect(() => vm.getFunction("main").call(tooLong, pages)).toThrow(MlcError);
  });
});
