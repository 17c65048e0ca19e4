import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it, vi } from "vitest";
import { signatures } from "../../lib/ffi/global-functions.js";
import { call, compilerLibraryPath, loadCompilerLibrary } from "../../lib/ffi/index.js";
import { checkSignatures, hashSignatures } from "../../lib/ffi/signature-check.js";

describe("signatures of the runtime", () => {
  it("match the committed file", () => {
    expect(hashSignatures(signatures.runtime.names)).toBe(signatures.runtime.hash);
    expect(() => checkSignatures("runtime")).not.toThrow();
  });

  it("a function that has gone changes the hash", () => {
    expect(hashSignatures([...signatures.runtime.names, "no.such.function"])).not.toBe(
      signatures.runtime.hash,
    );
  });
});

// Before the next block, which loads the library for good.
describe("a compiler library that is not there", () => {
  it("is ERR_COMPILER_NOT_FOUND and names the path", () => {
    vi.stubEnv("NODE_MLC_COMPILER_LIBRARY", "/nowhere/libtvm_compiler.so");
    expect(() => loadCompilerLibrary()).toThrow(
      expect.objectContaining({
        code: "ERR_COMPILER_NOT_FOUND",
        details: { path: "/nowhere/libtvm_compiler.so" },
      }),
    );
    vi.unstubAllEnvs();
  });

  it("a file that is not a library is one, too", () => {
    vi.stubEnv("NODE_MLC_COMPILER_LIBRARY", fileURLToPath(import.meta.url));
    expect(() => loadCompilerLibrary()).toThrow(expect.objectContaining({ code: "ERR_COMPILER_NOT_FOUND" }));
    vi.unstubAllEnvs();
  });
});

describe.skipIf(!existsSync(compilerLibraryPath()))("signatures of the compiler library", () => {
  it("another TVM is one clear error", () => {
    // The compiler's functions are missing before its library is loaded: as with a TVM that renamed them.
    let caught: unknown;
    try {
      checkSignatures("compiler");
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({
      code: "ERR_RUNTIME_MISMATCH",
      message: expect.stringContaining(signatures.tvm),
      details: { group: "compiler", missing: signatures.compiler.names },
    });
  });

  it("a missing function says what to do", () => {
    expect(() => call("ir.GlobalVar", "main")).toThrow(
      expect.objectContaining({
        code: "ERR_RUNTIME_MISMATCH",
        message: expect.stringContaining("loadCompilerLibrary"),
      }),
    );
  });

  it("match the committed file", () => {
    loadCompilerLibrary();
    loadCompilerLibrary();
    expect(() => checkSignatures("compiler")).not.toThrow();
    expect(call("ir.GlobalVar", "main").typeKey).toBe("ir.GlobalVar");
  });
});
