/** Verifies that the loaded TVM is the one whose signatures are committed in global-functions.ts. */
import { createHash } from "node:crypto";
import { MlcError } from "../errors.js";
import { signatures } from "./global-functions.js";
import { native } from "./native.js";

/** The part of TVM that holds a function: the runtime, or the compiler library loaded on demand. */
export type SignatureGroup = "runtime" | "compiler";

/** TVM's metadata of one function (its type schema as JSON); undefined when there is no such function. */
export function functionMetadata(name: string): string | undefined {
  const fn = native.getGlobalFunction(name);
  if (fn === undefined) return undefined;
  fn.dispose();
  return String(native.bindGlobalFunction("ffi.GetGlobalFuncMetadata")?.(name));
}

/** SHA-256 over names and metadata of `names`, in that order. */
export function hashSignatures(names: readonly string[]): string {
  const hash = createHash("sha256");
  for (const name of names) hash.update(`${name}\n${functionMetadata(name) ?? "missing"}\n`);
  return hash.digest("hex");
}

/** Throws ERR_RUNTIME_MISMATCH when a function of the group has gone or has another signature. */
export function checkSignatures(group: SignatureGroup): void {
  const { hash, names } = signatures[group];
  const received = hashSignatures(names);
  if (received === hash) return;
  const missing = names.filter((name) => functionMetadata(name) === undefined);
  const reason =
    missing.length > 0
      ? `${missing.length} functions are missing (${missing.slice(0, 5).join(", ")})`
      : "the signatures of its functions differ";
  throw new MlcError(
    "ERR_RUNTIME_MISMATCH",
    `Expected the ${group} library of TVM ${signatures.tvm} but received another one: ${reason}. ` +
      "Reinstall node-mlc, or in a source checkout run `npm run tvm` and `npm run build:native`.",
    { details: { group, tvm: signatures.tvm, expected: hash, received, missing } },
  );
}
