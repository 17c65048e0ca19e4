import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { packageRoot } from "../../lib/package-root.js";
import { runChild } from "../support/native-child.js";

it("a second copy of the addon shares the first one's TVM", async () => {
  const resolve = createRequire(import.meta.url)("node-gyp-build").resolve;
  const original = path.dirname(
    process.env.NODE_MLC_ADDON === undefined
      ? resolve(packageRoot)
      : path.resolve(process.env.NODE_MLC_ADDON),
  );
  const folder = mkdtempSync(path.join(tmpdir(), "node-mlc-copy-"));
  try {
    for (const file of readdirSync(original)) {
      if (/\.(node|so|dylib|dll)$/.test(file))
        copyFileSync(path.join(original, file), path.join(folder, file));
    }
    const result = await runChild(`
      const other = require(${JSON.stringify(path.join(folder, "node_mlc.node"))});
      other.initialize((code, message) => Object.assign(new Error(message), { code }), 2 ** 32);
      const tensor = other.Tensor.empty([3], "int8");
      console.log(tensor.byteLength, other.bindGlobalFunction("ffi.Array")(1, 2).length);
      other.registerGlobalFunction("test.copies", () => { throw new TypeError("across"); }, false);
      // Another copy is another environment: it sees the exception's text, not its value.
      try { call("test.copies"); } catch (error) { console.log(error.code, error.message.includes("across")); }
      // One registration of a device's functions serves both.
      for (const kind of ["opencl", "vulkan"])
        console.log(native.loadDeviceRuntime(kind), other.loadDeviceRuntime(kind));
    `);
    expect(result).toMatchObject({
      exitCode: 0,
      signal: null,
      stdout: "3 2\nERR_NATIVE true\ntrue false\ntrue false\n",
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
