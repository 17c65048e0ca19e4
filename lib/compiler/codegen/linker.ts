// Executable to shared library: object files from LLVM, linked by the system's C compiler driver.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { MlcError } from "../../errors.js";
import { call, type FfiModule } from "../../ffi/index.js";
import type { Target } from "./target.js";

const run = promisify(execFile);

/** Property bit of a module whose code can be written as an object file. */
const COMPILATION_EXPORTABLE = 4;

/**
 * Links an executable into the shared library `file`. The driver is the environment's CC_<triple> (with "_" for "-"), its CC, or
 * `cc`.
 * @throws MlcError ERR_LINKER_NOT_FOUND where there is none, ERR_COMPILE where linking fails.
 */
export async function linkLibrary(executable: FfiModule, target: Target, file: string): Promise<void> {
  const folder = mkdtempSync(path.join(path.dirname(file), ".link-"));
  try {
    const objects = writeObjects(executable, target, folder);
    await link(linkerCommand(target), [...linkFlags(target), "-o", file, ...objects, "-lm"], target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Asks whether a linker for the target can be run, before anything long is done.
 * @throws MlcError ERR_LINKER_NOT_FOUND
 */
export async function requireLinker(target: Target): Promise<void> {
  const { program, args } = linkerCommand(target);
  try {
    await run(program, [...args, "--version"]);
  } catch (cause) {
    const error = linkError(program, target, cause);
    // A driver that does not know --version may still link.
    if (error.code === "ERR_LINKER_NOT_FOUND") throw error;
  }
}

/** One object file for each module of machine code, one for the bytecode packed as data. */
function writeObjects(executable: FfiModule, target: Target, folder: string): string[] {
  const packed = call(
    "runtime.ModulePackImportsToLLVM",
    executable,
    false,
    JSON.stringify(packTarget(target)),
    "",
  );
  const modules = [...withImports(executable).filter(isExportable), packed];
  return modules.map((module, index) => {
    const file = path.join(folder, `module-${index}.o`);
    call("ffi.ModuleWriteToFile", module, file, "o");
    return file;
  });
}

function packTarget(target: Target): Record<string, string> {
  return { kind: "llvm", mtriple: target.triple, mcpu: target.cpu };
}

function withImports(module: FfiModule): FfiModule[] {
  return [module, ...module.imports.flatMap(withImports)];
}

function isExportable(module: FfiModule): boolean {
  return (Number(call("ffi.ModuleGetPropertyMask", module)) & COMPILATION_EXPORTABLE) !== 0;
}

interface LinkerCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** The code calls back into the TVM runtime, which is in the process already; Apple's linker has to be told so. */
function linkFlags({ triple }: Target): readonly string[] {
  return triple.includes("-apple-") ? ["-dynamiclib", "-undefined", "dynamic_lookup"] : ["-shared", "-fPIC"];
}

/** CC may hold arguments ("ccache cc", "zig cc -target ..."). Another machine's code needs a driver that links for it. */
function linkerCommand(target: Target): LinkerCommand {
  const variable = `CC_${target.triple.replaceAll("-", "_")}`;
  const [program, ...args] = (process.env[variable] || process.env.CC || "").split(/\s+/).filter(Boolean);
  if (program !== undefined) return { program, args };
  if (target.isHost) return { program: "cc", args: [] };
  throw new MlcError(
    "ERR_LINKER_NOT_FOUND",
    `Expected the environment variable ${variable} or CC to name a compiler that links for ${target.triple} (for example "zig cc -target ..." or "clang --target=...") but it is not set.`,
    { details: { triple: target.triple } },
  );
}

async function link(command: LinkerCommand, args: readonly string[], target: Target): Promise<void> {
  try {
    await run(command.program, [...command.args, ...args]);
  } catch (cause) {
    throw linkError(command.program, target, cause);
  }
}

function linkError(program: string, target: Target, cause: unknown): MlcError {
  const { code, stderr } = cause as { code?: unknown; stderr?: string };
  if (code === "ENOENT" || code === "EACCES")
    return new MlcError(
      "ERR_LINKER_NOT_FOUND",
      `Expected a C compiler to link the library but "${program}" cannot be run: install one (gcc or clang) or set CC.`,
      { cause },
    );
  return new MlcError(
    "ERR_COMPILE",
    `Expected "${program}" to link the library for ${target.triple} but it failed: ${(stderr ?? String(cause)).trim()}`,
    { cause },
  );
}
