// Where this npm package lies and which version it is, from lib/ as from either build in dist/.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of the npm package. */
export function packageRoot(): string {
  const below = path.dirname(fileURLToPath(import.meta.url));
  const candidates = ["../..", "../../.."].map((up) => path.resolve(below, up));
  // dist/cjs has a package.json of its own, which only says the module format.
  return (
    candidates.find((folder) => existsSync(path.join(folder, "LICENSE"))) ?? path.resolve(below, "../..")
  );
}

/** "node-mlc 0.1.0". */
export function generatorName(): string {
  const manifest = JSON.parse(readFileSync(path.join(packageRoot(), "package.json"), "utf8")) as {
    name: string;
    version: string;
  };
  return `${manifest.name} ${manifest.version}`;
}
