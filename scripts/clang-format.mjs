// Checks the format of the C++ sources, or rewrites them with --write.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const clangFormat = createRequire(import.meta.url).resolve("clang-format/index.js");
const files = ["cpp", "test/cpp", "bench"].flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true })
    .filter((file) => /\.(cc|h)$/.test(file) && !file.includes("node_modules"))
    .map((file) => path.join(root, folder, file)),
);
const mode = process.argv.includes("--write") ? ["-i"] : ["--dry-run", "--Werror"];
process.exit(spawnSync(process.execPath, [clangFormat, ...mode, ...files], { stdio: "inherit" }).status ?? 1);
