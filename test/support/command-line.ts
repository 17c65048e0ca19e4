import { execFile } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

const main = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../dist/esm/cli/main.js");

export interface CommandResult {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs the built `node-mlc` command line in a process of its own. */
export function nodeMlc(...args: string[]): Promise<CommandResult> {
  return nodeMlcWith({}, ...args);
}

/** The same with more environment variables. */
export function nodeMlcWith(
  environment: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<CommandResult> {
  const options = { maxBuffer: 1 << 26, env: { ...process.env, ...environment } };
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], options, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ status, stdout, stderr });
    });
  });
}
