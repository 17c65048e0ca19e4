// Builds and runs the C++ unit tests (scheduler, pages, sampler: no device, no Node).
import path from "node:path";
import { root, run } from "./prepare.mjs";

const program = process.platform === "win32" ? "node_mlc_tests.exe" : "node_mlc_tests";
run("cmake", ["--build", "build", "--config", "Release", "--target", "node_mlc_tests"]);
run(path.join(root, "build", "Release", program), [], { shell: false });
