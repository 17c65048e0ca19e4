import { describe, expect, it } from "vitest";
import { runChild } from "../support/native-child.js";

// A module that exports load(address): memory of one page, i32.load. V8 turns the out-of-bounds access into a SIGSEGV of
// its own and back into an exception; a library that takes over SIGSEGV turns it into the death of the process.
const outOfBounds = `
  const bytes = Uint8Array.from([0,97,115,109,1,0,0,0,1,6,1,96,1,127,1,127,3,2,1,0,5,3,1,0,1,7,8,1,4,108,111,97,100,0,0,10,9,1,7,0,32,0,40,2,0,11]);
  const { load } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  const access = () => { try { load(1 << 20); return "no error"; } catch (error) { return error.constructor.name; } };
`;

describe("WebAssembly traps", () => {
  it("work before and after loading the runtime and the compiler", async () => {
    const result = await runChild(`${outOfBounds}
      console.log(access());
      loadCompiler();
      console.log(access(), load(0));
      call("target.llvm_get_system_cpu");
      console.log(access());`);
    expect(result).toMatchObject({ exitCode: 0, signal: null });
    expect(result.stdout).toBe("RuntimeError\nRuntimeError 0\nRuntimeError\n");
  });
});
