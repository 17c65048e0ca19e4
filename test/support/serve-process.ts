import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const main = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../dist/esm/cli/main.js");

/** `node-mlc serve` as a process of its own, at any free port. */
export class ServeProcess {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** What it wrote to standard error. */
  log = "";

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [main, "serve", ...args, "--port", "0", "--json"], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    this.child.stderr.on("data", (text) => {
      this.log += String(text);
    });
  }

  /** Where it listens, once it is ready. */
  async url(): Promise<string> {
    for await (const text of this.child.stdout) return (JSON.parse(String(text)) as { url: string }).url;
    throw new Error(`the server ended: ${this.log}`);
  }

  /** How it ended, once it has. */
  async end(): Promise<{ code: number | null; signal: string | null }> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, "exit");
    return { code: this.child.exitCode, signal: this.child.signalCode };
  }
}
