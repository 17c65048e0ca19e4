/** Kernels for AArch64, run by qemu's user mode emulation: the package qemu-user and a cross compiler with a C library. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { call, type FfiArgument, type FfiObject, Tensor } from "../../lib/ffi/index.js";
import { AARCH64 } from "./assembly.js";
import { floats, Kernel } from "./kernel-library.js";

const COMPILER = "aarch64-linux-gnu-gcc";
const EMULATOR = "qemu-aarch64";

const folder = path.dirname(fileURLToPath(import.meta.url));
const headers = path.join(folder, `../../deps/${process.platform}-${process.arch}/tvm_ffi`);
const INCLUDES = ["include", "3rdparty/dlpack/include"].map((name) => path.join(headers, name));

/** What this machine lacks to emulate; empty where it can. */
export function missingForEmulation(): string[] {
  const tools = [COMPILER, EMULATOR].filter((tool) => spawnSync(tool, ["--version"]).error !== undefined);
  return [...tools, ...INCLUDES.filter((include) => !existsSync(include))];
}

/** One kernel, compiled for AArch64 with the dot product extension and linked to a program that calls it. */
export class EmulatedKernel extends Kernel {
  readonly #program: Uint8Array;

  constructor(func: FfiObject) {
    super(func, AARCH64);
    this.#program = inFolder((at) => {
      const [object, program] = [path.join(at, "kernel.o"), path.join(at, "kernel")];
      call("ffi.ModuleWriteToFile", this.library, object, "o");
      const includes = INCLUDES.flatMap((include) => ["-I", include]);
      const source = path.join(folder, "call_kernel.c");
      execFileSync(COMPILER, [
        "-O1",
        "-static",
        "-Wall",
        "-Werror",
        ...includes,
        source,
        object,
        "-o",
        program,
      ]);
      return readFileSync(program);
    });
  }

  /** As that of Kernel; tensors among the arguments are left as the kernel leaves them. */
  override run(args: readonly FfiArgument[], shape: readonly number[]): Float32Array {
    const output = Tensor.empty([...shape], "float32");
    const values = floats(output).fill(Number.NaN);
    this.call([...args, output]);
    return values;
  }

  /** Calls it with tensors and integers; the last argument is the output. */
  call(args: readonly FfiArgument[]): void {
    const left = inFolder((at) => {
      const [program, input, output] = ["kernel", "arguments", "output"].map((name) => path.join(at, name));
      writeFileSync(program as string, this.#program, { mode: 0o755 });
      writeFileSync(input as string, serialized(args));
      execFileSync(EMULATOR, [program, input, output] as string[]);
      return readFileSync(output as string);
    });
    let at = 0;
    for (const tensor of args.filter(isTensor)) {
      tensor.bytes().set(left.subarray(at, at + tensor.byteLength));
      at += tensor.byteLength;
    }
  }
}

function inFolder<Result>(use: (folder: string) => Result): Result {
  const at = mkdtempSync(path.join(os.tmpdir(), "node-mlc-emulation-"));
  try {
    return use(at);
  } finally {
    rmSync(at, { recursive: true, force: true });
  }
}

function isTensor(argument: FfiArgument): argument is Tensor {
  return typeof argument === "object" && argument !== null && "bytes" in argument;
}

/** DLPack's type codes. */
const TYPE_CODES: Readonly<Record<string, number>> = { int: 0, uint: 1, float: 2, bfloat: 4 };

/** The format that call_kernel.c reads. */
function serialized(args: readonly FfiArgument[]): Uint8Array {
  const parts = args.flatMap((argument) => {
    if (!isTensor(argument)) return [words(0, Number(argument))];
    const [, kind = "", bits] = /^([a-z]+)(\d+)$/.exec(argument.dtype) ?? [];
    const { shape } = argument;
    return [words(1, TYPE_CODES[kind] ?? Number.NaN, Number(bits), shape.length, ...shape), argument.bytes()];
  });
  return Buffer.concat([words(args.length), ...parts]);
}

function words(...values: number[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
}
