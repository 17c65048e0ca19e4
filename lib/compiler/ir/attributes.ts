import { call, type FfiArgument, type FfiObject } from "../../ffi/index.js";

/** Attributes of a module or a function: names to values. */
export type Attributes = Readonly<Record<string, FfiArgument>>;

/** TVM's attribute dictionary; the one node that has no constructor of its own and is made by reflection. */
export function dictAttrs(attributes: Attributes = {}): FfiObject {
  return call("ffi.MakeObjectFromPackedArgs", "ir.DictAttrs", "__dict__", { ...attributes }) as FfiObject;
}

/** A copy of a function with one attribute set. */
export function withAttribute(func: FfiObject, name: string, value: FfiArgument): FfiObject {
  return call("ir.BaseFuncWithAttr", func, name, value);
}
