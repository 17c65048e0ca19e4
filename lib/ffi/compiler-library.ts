/** Finding and loading libtvm_compiler, which only compilation needs. */
import { existsSync } from "node:fs";
import path from "node:path";
import { MlcError } from "../errors.js";
import { native, packageRoot } from "./native.js";

let loaded = false;

/** Where the compiler library is expected: NODE_MLC_COMPILER_LIBRARY, else deps/<platform>-<arch>/tvm/lib. */
export function compilerLibraryPath(): string {
  const chosen = process.env.NODE_MLC_COMPILER_LIBRARY;
  if (chosen !== undefined && chosen !== "") return path.resolve(chosen);
  const file = { win32: "tvm_compiler.dll", darwin: "libtvm_compiler.dylib" }[process.platform as string];
  return path.join(
    packageRoot,
    "deps",
    `${process.platform}-${process.arch}`,
    "tvm",
    "lib",
    file ?? "libtvm_compiler.so",
  );
}

/** Loads TVM's compiler into this process; idempotent. Throws ERR_COMPILER_NOT_FOUND. */
export function loadCompilerLibrary(): void {
  if (loaded) return;
  const file = compilerLibraryPath();
  if (!existsSync(file)) {
    throw new MlcError(
      "ERR_COMPILER_NOT_FOUND",
      `Expected TVM's compiler library at ${file} but there is no such file. Run \`npm run tvm\` in a source checkout, ` +
        "or set NODE_MLC_COMPILER_LIBRARY to its path.",
      { details: { path: file } },
    );
  }
  native.loadLibrary(file);
  loaded = true;
}
