import { call, type FfiObject } from "../../ffi/index.js";

/** The node as TVMScript text; equal programs print equally. */
export function printScript(node: FfiObject): string {
  return call("node.TVMScriptPrinterScript", node, null);
}

/** Whether two nodes are the same program up to the names of their variables. */
export function structuralEqual(left: FfiObject, right: FfiObject): boolean {
  return call("ffi.StructuralEqual", left, right, false, false) === true;
}
