// Brings the libraries that only tests use (test/cpp/fake_model, test/cpp/fake_vulkan) up to date before they run.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

const build = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../build");

const TARGETS = ["node_mlc_fake_model", ...(process.platform === "linux" ? ["node_mlc_fake_vulkan"] : [])];

export default function setup(): void {
  execFileSync("cmake", ["--build", build, "--config", "Release", "--target", ...TARGETS]);
}
