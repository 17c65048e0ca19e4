// `npm run check`: types, lint and format of TypeScript and C++, and the structure rules.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const bin = (name) => path.join(root, "node_modules", ".bin", name);

const CHECKS = [
  ["types", bin("tsc"), ["--noEmit", "-p", "tsconfig.json"]],
  ["types of the chat page", bin("tsc"), ["--noEmit", "-p", "lib/server/page/tsconfig.json"]],
  ["lint and format (TypeScript)", bin("biome"), ["check", "--error-on-warnings", "."]],
  ["format (C++)", process.execPath, ["scripts/clang-format.mjs"]],
  ["structure", process.execPath, ["scripts/check-structure.mjs"]],
];

// This one asks the TVM compiler library through the addon.
const built = existsSync(path.join(root, "build", "Release", "node_mlc.node"));
if (built)
  CHECKS.push([
    "TVM signatures",
    process.execPath,
    ["--import", "tsx", "scripts/generate-ffi-signatures.ts", "--check"],
  ]);
else console.log("skipped TVM signatures: run `npm run build` first");

let failed = false;
for (const [name, command, args] of CHECKS) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${name}`);
  failed ||= status !== 0;
}
process.exit(failed ? 1 : 0);
