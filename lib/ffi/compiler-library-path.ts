/** Where libtvm_compiler is; apart from loading it because the signature generator must not verify what it replaces. */
import path from "node:path";
import { packageRoot } from "../package-root.js";

/** How to get the compiler library, in one sentence. */
export function compilerLibraryRemedy(): string {
  const script = path.join(packageRoot, "scripts", "fetch-tvm.mjs");
  return `Run \`node ${script}\` (pip downloads it once, about 100 MB), or set NODE_MLC_COMPILER_LIBRARY to its path.`;
}

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
