/** `node-mlc doctor`: whether this installation can run and compile models, and what is missing. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import os from "node:os";
import { promisify } from "node:util";
import { cpuDevice, devices } from "../../engine/devices.js";
import { defineCommand } from "../command.js";
import { megabytes } from "../output.js";

const run = promisify(execFile);

/** One finding. `needed` for running models; the others for compiling them, or for more devices than the CPU. */
interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly needed: boolean;
  readonly detail: string;
}

export const doctorCommand = defineCommand({
  meta: { name: "doctor", description: "Check the installation and say what is missing" },
  args: {},
  async run(_args, { output }) {
    const forCompiling = [nodeVersion(), await nativeAddon(), await compilerLibrary(), await linker()];
    const checks = [...forCompiling, await vulkanCode(), ...(await moreDevices()), memory()];
    const ok = checks.every((check) => check.ok || !check.needed);
    const canCompile = forCompiling.every((check) => check.ok);
    output.result({ ok, can_compile: canCompile, checks }, () =>
      checks.map((check) => `${mark(check)} ${check.name}: ${check.detail}`).join("\n"),
    );
    if (!ok) process.exitCode = 1;
  },
});

function mark({ ok, needed }: Check): string {
  if (ok) return "ok     ";
  return needed ? "FAILED " : "missing";
}

function nodeVersion(): Check {
  const ok = Number(process.versions.node.split(".")[0]) >= 20;
  return {
    name: "Node",
    ok,
    needed: true,
    detail: `${process.version}${ok ? "" : ", 20 or newer is needed"}`,
  };
}

async function nativeAddon(): Promise<Check> {
  const name = "native addon and TVM runtime";
  try {
    const { name: processor } = await cpuDevice();
    return { name, ok: true, needed: true, detail: `loaded, ${processor}` };
  } catch (error) {
    return { name, ok: false, needed: true, detail: firstLine(error) };
  }
}

async function compilerLibrary(): Promise<Check> {
  const name = "TVM compiler library";
  try {
    const { compilerLibraryPath, compilerLibraryRemedy } = await import("../../ffi/index.js");
    const file = compilerLibraryPath();
    const ok = existsSync(file);
    const detail = ok
      ? file
      : `not at ${file}: compiling needs it, running does not. ${compilerLibraryRemedy()}`;
    return { name, ok, needed: false, detail };
  } catch (error) {
    return { name, ok: false, needed: false, detail: firstLine(error) };
  }
}

async function linker(): Promise<Check> {
  const name = "linker";
  const [command = "cc", ...args] = (process.env.CC ?? "cc").split(" ").filter(Boolean);
  try {
    const { stdout } = await run(command, [...args, "--version"]);
    return { name, ok: true, needed: false, detail: stdout.split("\n")[0] ?? command };
  } catch {
    const detail = `${command} does not run: compiling needs a C compiler (on Debian: apt-get install gcc), running does not`;
    return { name, ok: false, needed: false, detail };
  }
}

/** Every device beside the CPU, or what one would need. */
async function vulkanCode(): Promise<Check> {
  const name = "compiler of code for Vulkan";
  try {
    const { missingCodeGenerator } = await import("../../ffi/index.js");
    const missing = missingCodeGenerator("vulkan");
    const detail = missing === undefined ? "loads" : `${missing}: only compiling models for Vulkan needs it`;
    return { name, ok: missing === undefined, needed: false, detail };
  } catch (error) {
    return { name, ok: false, needed: false, detail: firstLine(error) };
  }
}

async function moreDevices(): Promise<Check[]> {
  try {
    return (await devices()).flatMap((device) => {
      if (device.type === "cpu") return [];
      const { type, available } = device;
      const detail = available
        ? `${device.name} (${device.kind}), ${megabytes(device.memoryBytes)}, driver ${device.platform} ${device.driver}`
        : device.reason;
      return [{ name: available ? `${type}:${device.index}` : type, ok: available, needed: false, detail }];
    });
  } catch {
    // The addon does not load: nativeAddon() says so.
    return [];
  }
}

function memory(): Check {
  return {
    name: "memory",
    ok: true,
    needed: false,
    detail: `${megabytes(os.totalmem())}, ${megabytes(os.freemem())} free`,
  };
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}
