// Builds with a sanitizer into build/asan, then runs the C++ tests and the native tests against it.
//
//   node scripts/sanitize.mjs [test file ...]      SANITIZER=undefined or thread for the other ones
//
// Files named: those native tests alone. The thread sanitizer runs the C++ tests alone: it must be in a program from its
// start, and neither Node nor TVM's libraries know it.
//
// Node itself is not instrumented, so the sanitizer's runtime is preloaded. Leaks are not reported: V8 frees nothing of
// what lives to the end of the process. test/native/ffi-lifetime.test.ts looks for growth instead.
import { execFileSync, spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const sanitizer = process.env.SANITIZER ?? "address";
const folder = path.join(root, "build", sanitizer === "address" ? "asan" : sanitizer);

if (process.platform !== "linux") {
  console.error("sanitize: written for Linux (LD_PRELOAD).");
  process.exit(1);
}

// A CMake list of two options. Without vptr: TVM's classes have a second, hidden type description in this library.
const options = sanitizer === "undefined" ? "undefined;-fno-sanitize=vptr" : sanitizer;
const run = (command, ...args) => execFileSync(command, args, { cwd: root, stdio: "inherit" });
const generator = spawnSync("ninja", ["--version"]).status === 0 ? ["-G", "Ninja"] : [];
run(
  "cmake",
  "-S",
  root,
  "-B",
  folder,
  ...generator,
  "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
  `-DNODE_MLC_SANITIZE=${options}`,
);
run("cmake", "--build", folder, "--parallel", "2", "--target", "node_mlc_tests");

const tests = process.argv.slice(2);
if (tests.length === 0) {
  const { status } = spawnSync(path.join(folder, "Release", "node_mlc_tests"), {
    stdio: "inherit",
    env: { ...process.env, TSAN_OPTIONS: "halt_on_error=1:exitcode=86" },
  });
  if (status !== 0) process.exit(status ?? 1);
}
if (sanitizer === "thread") process.exit(0);

run("cmake", "--build", folder, "--parallel", "2");
run(process.execPath, path.join(root, "scripts", "build-wgsl-compiler.mjs"), folder);

const compiler = process.env.CXX ?? "c++";
const runtimeOf = (name) => execFileSync(compiler, [`-print-file-name=${name}`], { encoding: "utf8" }).trim();
const runtime = { address: "libasan.so", undefined: "libubsan.so" }[sanitizer];
const result = spawnSync(
  process.execPath,
  [path.join(root, "node_modules/vitest/vitest.mjs"), "run", "--project", "native", ...tests],
  {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      NODE_MLC_ADDON: path.join(folder, "node_mlc.node"),
      // libstdc++ as well: the sanitizer looks for __cxa_throw when it starts, before anything has loaded it.
      LD_PRELOAD: `${runtimeOf(runtime)} ${runtimeOf("libstdc++.so.6")}`,
      // V8 keeps its own SIGSEGV handler for WebAssembly; TVM's libraries are not instrumented.
      // A small quarantine, because some tests watch the resident size.
      ASAN_OPTIONS: [
        "detect_leaks=0",
        "handle_segv=0",
        "allow_user_segv_handler=1",
        "allocator_may_return_null=1",
        "quarantine_size_mb=4",
        "exitcode=86",
      ].join(":"),
      UBSAN_OPTIONS: "print_stacktrace=1:halt_on_error=1:exitcode=86",
      NODE_MLC_SANITIZED: sanitizer,
    },
  },
);
process.exit(result.status ?? 1);
