/** Machine code of kernels, for tests of what the compiler made of them. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { call, type FfiObject } from "../../lib/ffi/index.js";
import { Kernel } from "./kernel-library.js";

export const X86_512 = "cpu:x86-64-v4@x86_64-unknown-linux-gnu";
export const X86_256 = "cpu:x86-64-v3@x86_64-unknown-linux-gnu";
export const AARCH64 = "cpu:cortex-a76@aarch64-unknown-linux-gnu";

/** The assembly of one kernel for a target. */
export function assembly(func: FfiObject, target: string): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "node-mlc-kernels-"));
  try {
    const file = path.join(folder, "kernel.s");
    call("ffi.ModuleWriteToFile", new Kernel(func, target).library, file, "s");
    return readFileSync(file, "utf8");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The straight-line runs of instructions between labels and jumps. */
export function basicBlocks(text: string): string[] {
  return text.split(/^\.L\w+:|^\t(?:j\w+|b|b\.\w+|cbn?z|tbn?z)\t.*$/m);
}

/** The number of different registers that a run's multiply-adds sum into. */
export function sums(block: string, instruction: RegExp): number {
  return new Set([...block.matchAll(instruction)].map(([, register]) => register)).size;
}
