// Builds cpp/device/vulkan/wgslc, which compiling models for Vulkan needs, and puts it beside the addon. Without Rust's
// cargo the rest of the package works, and compiling for Vulkan says what is missing.
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const manifest = path.join(root, "cpp", "device", "vulkan", "wgslc", "Cargo.toml");
const target = path.join(root, "build", "wgslc");
const file =
  { win32: "node_mlc_wgsl.dll", darwin: "libnode_mlc_wgsl.dylib" }[process.platform] ?? "libnode_mlc_wgsl.so";

const cargo = process.env.CARGO ?? "cargo";
if (spawnSync(cargo, ["--version"], { stdio: "ignore" }).status !== 0) {
  console.warn(
    "No cargo: the compiler of WGSL (libnode_mlc_wgsl) is not built, so models cannot be compiled for Vulkan.",
  );
  process.exit(0);
}
execFileSync(
  cargo,
  ["build", "--release", "--locked", "--manifest-path", manifest, "--target-dir", target, "--jobs", "2"],
  { stdio: "inherit" },
);
const release = path.join(root, "build", "Release");
if (!existsSync(release)) mkdirSync(release, { recursive: true });
copyFileSync(path.join(target, "release", file), path.join(release, file));
