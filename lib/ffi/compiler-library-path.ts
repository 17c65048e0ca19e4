/** Where libtvm_compiler is; apart from loading it because the signature generator must not verify what it replaces. */
import path from "node:path";
import { packageRoot } from "../package-root.js";

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
