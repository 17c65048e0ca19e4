// IRModule: named functions, Relax and TIR together. Modules are immutable here: a pass returns a new one.
import { call, FfiObject } from "../../ffi/index.js";
import { dictAttrs } from "./attributes.js";

/** A module of the given functions. */
export function irModule(functions: ReadonlyMap<string, FfiObject>): FfiObject {
  const entries = [...functions].map(([name, func]) => [call("ir.GlobalVar", name), func] as const);
  return call("ir.IRModule", new Map(entries), dictAttrs(), {});
}

/** The functions of a module by name, in name order. */
export function functionsOf(module: FfiObject): Map<string, FfiObject> {
  const variables: FfiObject[] = call("ir.Module_GetGlobalVars", module);
  const names = variables.map((variable) => textField(variable, "name_hint"));
  return new Map(names.sort().map((name) => [name, call("ir.Module_Lookup_str", module, name)]));
}

/** Whether a function of a module is a tensor program (TIR) rather than a Relax function. */
export function isPrimFunc(func: FfiObject): boolean {
  return func.typeKey === "tirx.PrimFunc";
}

/** A string field of a node. */
export function textField(node: FfiObject, name: string): string {
  return String(node.field(name));
}

/** An object field of a node, or undefined where it holds a plain value. */
export function objectField(node: FfiObject, name: string): FfiObject | undefined {
  const value = node.field(name);
  return value instanceof FfiObject ? value : undefined;
}
