// What every top-level command needs first: the npm packages, the native addon and dist/. Uses built-in modules only,
// because it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const windows = process.platform === "win32";

/** Runs a program in the repository and ends this process with its exit status when it fails. */
export function run(command, args, options = {}) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit", shell: windows, ...options });
  if (status !== 0) process.exit(status ?? 1);
}

/** Installs the npm packages when they are not there, then builds the addon and the JavaScript. */
export function prepare() {
  if (!existsSync(path.join(root, "node_modules", ".package-lock.json"))) run("npm", ["ci"]);
  run("npm", ["run", "--silent", "build"]);
}
