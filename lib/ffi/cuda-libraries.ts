/** Where NVIDIA's libraries may be: its compiler NVRTC, and the runtime library libcudart. */
import path from "node:path";
import { packageRoot } from "../package-root.js";

/** Files of NVRTC, best first. */
export function nvrtcFiles(): string[] {
  return process.platform === "win32"
    ? placesOf(["nvrtc64_130_0.dll", "nvrtc64_120_0.dll"])
    : placesOf(["libnvrtc.so.13", "libnvrtc.so.12"]);
}

/** Files of libcudart, best first; on Windows TVM's runtime has it inside. */
export function cudartFiles(): string[] {
  return process.platform === "win32" ? [] : placesOf(["libcudart.so.13"]);
}

/** A toolkit that the environment names, what scripts/fetch-cuda.mjs obtained, and what the system's loader finds. */
function placesOf(names: readonly string[]): string[] {
  const folders = [...toolkitFolders(), fetchedFolder()];
  return names.flatMap((name) => [...folders.map((folder) => path.join(folder, name)), name]);
}

function toolkitFolders(): string[] {
  const roots = [process.env.CUDA_HOME, process.env.CUDA_PATH].filter(
    (root) => root !== undefined && root !== "",
  );
  const below = process.platform === "win32" ? ["bin", "bin/x64"] : ["lib64", "lib"];
  return roots.flatMap((root) => below.map((folder) => path.join(root ?? "", folder)));
}

/** Where scripts/fetch-cuda.mjs unpacks NVIDIA's wheels. */
function fetchedFolder(): string {
  const folder = path.join(packageRoot, "deps", `${process.platform}-${process.arch}-cuda`, "nvidia", "cu13");
  return path.join(folder, process.platform === "win32" ? path.join("bin", "x86_64") : "lib");
}
