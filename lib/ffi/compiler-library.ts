/** Loading libtvm_compiler, which only compilation needs. */
import { existsSync } from "node:fs";
import { MlcError } from "../errors.js";
import { compilerLibraryPath, compilerLibraryRemedy } from "./compiler-library-path.js";
import { native } from "./native.js";
import { checkSignatures } from "./signature-check.js";

let loaded = false;

/** Loads TVM's compiler into this process; idempotent. Throws ERR_COMPILER_NOT_FOUND or ERR_RUNTIME_MISMATCH. */
export function loadCompilerLibrary(): void {
  if (loaded) return;
  const file = compilerLibraryPath();
  if (!existsSync(file)) {
    throw new MlcError(
      "ERR_COMPILER_NOT_FOUND",
      `Expected TVM's compiler library at ${file} but there is no such file. ${compilerLibraryRemedy()}`,
      { details: { path: file } },
    );
  }
  native.loadLibrary(file);
  checkSignatures("compiler");
  loaded = true;
}
