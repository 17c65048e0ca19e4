#!/usr/bin/env node
// Called by binding.gyp and by prebuildify in the place of node-gyp: runs the CMake build, whatever gyp says about make.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const env = { ...process.env };
for (const name of ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKE_TERMOUT", "MAKE_TERMERR", "BUILDTYPE"])
  delete env[name];
const run = (file, ...args) =>
  execFileSync(process.execPath, [file, ...args], { cwd: root, stdio: "inherit", env });
run(path.join(root, "scripts", "fetch-tvm.mjs"));
run(path.join(root, "node_modules", "cmake-js", "bin", "cmake-js"), "build");
run(path.join(root, "scripts", "build-wgsl-compiler.mjs"));
