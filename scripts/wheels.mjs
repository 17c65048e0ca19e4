// Wheels as archives: pip downloads pinned ones, which are unpacked into a folder. Nothing is installed and no Python runs afterwards.
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

/** pip's platform tags for each of our platforms. */
export const PIP_PLATFORMS = {
  "linux-x64": [28, 27, 24, 17, 12].map((minor) => `manylinux_2_${minor}_x86_64`),
  "linux-arm64": [28, 27, 24, 17].map((minor) => `manylinux_2_${minor}_aarch64`),
  "darwin-arm64": ["macosx_11_0_arm64"],
  "win32-x64": ["win_amd64"],
};

/**
 * Unpacks the wheels that a list pins; a folder that has them all is left as it is.
 * @param options what: what they are, for people; list: file of requirements with hashes, in scripts/; platform: a key of
 *   PIP_PLATFORMS; folder: where to, in deps/; isSuperfluous: whether a file, by its path, is not kept.
 * @throws Error where a download fails; the folder is then as it was.
 */
export function unpackWheels({ what, list, platform, folder, isSuperfluous = () => false }) {
  const requirements = path.join(root, "scripts", list);
  const destination = path.join(root, "deps", folder);
  const stamp = path.join(destination, "wheels.sha256");
  const pinned = createHash("sha256").update(readFileSync(requirements)).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === pinned) return;

  mkdirSync(path.join(root, "deps"), { recursive: true });
  const staging = mkdtempSync(path.join(root, "deps", `${folder}-`));
  try {
    const wheels = path.join(staging, "wheels");
    console.error(`downloading ${what} for ${platform} (about 100 MB)`);
    download(requirements, PIP_PLATFORMS[platform], wheels);
    for (const wheel of readdirSync(wheels))
      runPythonModule("zipfile", "-e", path.join(wheels, wheel), staging);
    rmSync(wheels, { recursive: true });
    removeFiles(staging, isSuperfluous);
    writeFileSync(path.join(staging, "wheels.sha256"), pinned);
    rmSync(destination, { recursive: true, force: true });
    renameSync(staging, destination);
  } catch (cause) {
    rmSync(staging, { recursive: true, force: true });
    throw new Error(`could not obtain ${what} for ${platform}: ${cause.message}`, { cause });
  }
}

function download(requirements, tags, destination) {
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
    destination,
    "-r",
    requirements,
  );
}

function removeFiles(folder, isSuperfluous) {
  for (const name of readdirSync(folder, { recursive: true })) {
    const file = path.join(folder, name);
    if (isSuperfluous(name.replaceAll("\\", "/"))) rmSync(file, { recursive: true, force: true });
  }
}
