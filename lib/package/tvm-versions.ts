/** Releases of TVM a library is compiled with and loaded by: the wheels pinned in scripts/tvm-wheels.txt. */
export const TVM_VERSIONS = { runtime: "0.27.0.post1", ffi: "0.1.14.post1" } as const;
