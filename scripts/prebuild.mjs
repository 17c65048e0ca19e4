// `npm run prebuild`: fills prebuilds/<platform>-<arch> with the addon and the TVM runtime libraries it loads.
// prebuildify drives the build; our CMake build takes the place of node-gyp, so no Node headers are downloaded.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const prebuildify = path.join(root, "node_modules", "prebuildify", "bin.js");
// A published package has everything.
const wgsl = spawnSync(
  process.execPath,
  [path.join(root, "scripts", "build-wgsl-compiler.mjs"), "--required"],
  { cwd: root, stdio: "inherit" },
);
if (wgsl.status !== 0) process.exit(1);
const { status } = spawnSync(process.execPath, [prebuildify, "--napi", "--strip", "--tag-libc"], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, PREBUILD_NODE_GYP: path.join(root, "scripts", "gyp-build.mjs") },
});
process.exit(status ?? 1);
