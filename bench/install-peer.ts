import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { MlcError } from "../lib/errors.js";
import { root } from "./repository.js";

/** The peer's version, as bench/package.json pins it. */
export const PEER_VERSION = "3.22.1";

/** The peer's name in tables. */
export const PEER_NAME = `node-llama-cpp ${PEER_VERSION}`;

/** Its packages of compiled code by platform; all of them together would be 700 MB. */
const BINARIES: Readonly<Record<string, string>> = {
  "linux-x64": "linux-x64",
  "linux-arm64": "linux-arm64",
  "darwin-arm64": "mac-arm64-metal",
  "win32-x64": "win-x64",
};

/** Installs the peer in bench/node_modules where it is missing. Errors: ERR_UNSUPPORTED_FORMAT on a platform without a binary. */
export function installPeer(): void {
  if (existsSync(path.join(root, "bench", "node_modules", "node-llama-cpp"))) return;
  const platform = `${process.platform}-${process.arch}`;
  const binary = BINARIES[platform];
  if (binary === undefined)
    throw new MlcError(
      "ERR_UNSUPPORTED_FORMAT",
      `Expected one of the platforms ${Object.keys(BINARIES).join(", ")} but received ${platform}: ${PEER_NAME} has no binary for it.`,
    );
  const quiet = ["--no-save", "--no-package-lock", "--omit=optional", "--ignore-scripts"];
  execFileSync("npm", ["install", ...quiet, `@node-llama-cpp/${binary}@${PEER_VERSION}`], {
    cwd: path.join(root, "bench"),
    stdio: ["ignore", "inherit", "inherit"],
    // npm is a command script on Windows.
    shell: process.platform === "win32",
  });
}
