import { dictAttrs } from "../../lib/compiler/ir/attributes.js";
import { call, type FfiObject } from "../../lib/ffi/index.js";

const WIDTH = 8;

/**
 * A kernel that writes one of its inputs, as attention does with the KV pages, made of TVM's constructors directly:
 * `pages[slot] += x[0] + ... + x[n-1]; output = x + pages[slot]` over rows of 8 float32.
 * Parameters `(x [n, 8], pages [p, 8], slot int64, output [n, 8])`.
 */
export function accumulateKernel(): FfiObject {
  const [n, p, slot, i, j, r] = ["n", "p", "slot", "i", "j", "r"].map((name) =>
    call("ir.Var", name, call("ir.PrimType", "int64"), null),
  ) as [FfiObject, FfiObject, FfiObject, FfiObject, FfiObject, FfiObject];
  const constant = (value: number) => call("ir.IntImm", "int64", value, null);
  const buffer = (name: string, rows: FfiObject) => {
    const float32 = call("ir.PrimType", "float32");
    const shape = [rows, constant(WIDTH)];
    return call(
      "tirx.BufferVar",
      name,
      call("tirx.BufferType", "", float32, shape, [], null, -1, 0, null, [], null),
      null,
    );
  };
  const [x, pages, output] = [buffer("x", n), buffer("pages", p), buffer("output", n)];
  const load = (source: FfiObject, row: FfiObject) => call("tirx.BufferLoad", source, [row, j], null);
  const store = (target: FfiObject, row: FfiObject, value: FfiObject) =>
    call("tirx.BufferStore", target, value, [row, j], null);
  const add = (a: FfiObject, b: FfiObject) => call("prim._OpAdd", a, b, null) as FfiObject;
  const loop = (variable: FfiObject, extent: FfiObject, body: FfiObject) =>
    call("tirx.For", variable, constant(0), extent, 0, body, null, {}, null, null);
  const append = loop(r, n, store(pages, slot, add(load(pages, slot), load(x, r))));
  const attend = loop(i, n, store(output, i, add(load(x, i), load(pages, slot))));
  const body = loop(j, constant(WIDTH), call("tirx.SeqStmt", [append, attend], null));
  const attrs = dictAttrs({ "tirx.noalias": true, s_tir: true });
  const func = call("tirx.PrimFunc", [x, pages, slot, output], body, call("ir.TypeMissing"), attrs, null);
  return call("script.Complete", func, [], true);
}
