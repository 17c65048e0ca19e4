// Obtains the pinned wheels of Apache TVM and xgrammar and unpacks them into deps/<platform>-<arch>; a folder that is complete is reused.
//
//   node scripts/fetch-tvm.mjs [PLATFORM-ARCH]      e.g. darwin-arm64, to fill another platform's prebuild
//
// pip is only the downloader: nothing is installed and no Python runs afterwards.
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { runPythonModule } from "./python.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const requirements = path.join(root, "scripts", "tvm-wheels.txt");

/** pip's platform tags for each of our platforms. */
const PIP_PLATFORMS = {
  "linux-x64": ["manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_24_x86_64"],
  "linux-arm64": ["manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_24_aarch64"],
  "darwin-arm64": ["macosx_11_0_arm64"],
  "win32-x64": ["win_amd64"],
};

function fail(message) {
  console.error(`fetch-tvm: ${message}`);
  process.exit(1);
}

const platform = process.argv[2] ?? `${process.platform}-${process.arch}`;
const tags = PIP_PLATFORMS[platform];
if (!tags) fail(`expected one of ${Object.keys(PIP_PLATFORMS).join(", ")}, received "${platform}"`);

const destination = path.join(root, "deps", platform);
const stamp = path.join(destination, "wheels.sha256");
const pinned = createHash("sha256").update(readFileSync(requirements)).digest("hex");
if (existsSync(stamp) && readFileSync(stamp, "utf8") === pinned) process.exit(0);

mkdirSync(path.join(root, "deps"), { recursive: true });
const staging = mkdtempSync(path.join(root, "deps", `${platform}-`));
try {
  const wheels = path.join(staging, "wheels");
  console.error(`fetch-tvm: downloading Apache TVM for ${platform} (about 100 MB)`);
  runPythonModule(
    "pip",
    "download",
    "--quiet",
    "--disable-pip-version-check",
    "--require-hashes",
    "--no-deps",
    "--only-binary",
    ":all:",
    "--implementation",
    "cp",
    "--python-version",
    "3.12",
    "--abi",
    "cp312",
    "--abi",
    "none",
    ...tags.flatMap((tag) => ["--platform", tag]),
    "--dest",
    wheels,
    "-r",
    requirements,
  );
  for (const wheel of readdirSync(wheels))
    runPythonModule("zipfile", "-e", path.join(wheels, wheel), staging);
  rmSync(wheels, { recursive: true });
  writeFileSync(path.join(staging, "wheels.sha256"), pinned);
  rmSync(destination, { recursive: true, force: true });
  renameSync(staging, destination);
} catch (error) {
  rmSync(staging, { recursive: true, force: true });
  fail(`could not obtain Apache TVM for ${platform}: ${error.message}`);
}
