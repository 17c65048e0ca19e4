// Builds cpp/device/vulkan/wgslc, which compiling models for Vulkan needs, and puts it beside the addon. Without Rust's
// cargo, or with one that is too old, the rest of the package works, and compiling for Vulkan says what is missing.
//
//   node scripts/build-wgsl-compiler.mjs [folder of the addon] [--required]
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const manifest = path.join(root, "cpp", "device", "vulkan", "wgslc", "Cargo.toml");
const target = path.join(root, "build", "wgslc");
const file =
  { win32: "node_mlc_wgsl.dll", darwin: "libnode_mlc_wgsl.dylib" }[process.platform] ?? "libnode_mlc_wgsl.so";

/** The package works without: only a package that is published must have it. */
function goOnWithout(reason) {
  console.warn(
    `${reason}: the compiler of WGSL (${file}) is not built, so this installation cannot compile models for Vulkan.`,
  );
  process.exit(process.argv.includes("--required") ? 1 : 0);
}

const cargo = process.env.CARGO ?? "cargo";
if (spawnSync(cargo, ["--version"], { stdio: "ignore" }).status !== 0) goOnWithout("No cargo");
const { status } = spawnSync(
  cargo,
  ["build", "--release", "--locked", "--manifest-path", manifest, "--target-dir", target, "--jobs", "2"],
  { stdio: "inherit" },
);
if (status !== 0) goOnWithout("cargo failed");
const [folder = path.join(root, "build", "Release")] = process.argv
  .slice(2)
  .filter((arg) => arg !== "--required");
mkdirSync(folder, { recursive: true });
copyFileSync(path.join(target, "release", file), path.join(folder, file));
