// Brings the fake model's library (test/cpp/fake_model) up to date before the tests that use it.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

const build = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../build");

export default function setup(): void {
  execFileSync("cmake", ["--build", build, "--config", "Release", "--target", "node_mlc_fake_model"]);
}
