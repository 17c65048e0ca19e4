/** Where this npm package lies and which version it is, from lib/ as from either build in dist/. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { MlcError } from "./errors.js";

interface PackageManifest {
  readonly name: string;
  readonly version: string;
}

/** The folder of this package: the nearest one above this file whose package.json has its name. */
export const packageRoot = findPackageRoot(path.dirname(fileURLToPath(import.meta.url)));

/** "node-mlc 0.1.0". */
export function generatorName(): string {
  const { name, version } = readManifest(packageRoot);
  return `${name} ${version}`;
}

/** "0.1.0". */
export function packageVersion(): string {
  return readManifest(packageRoot).version;
}

function readManifest(folder: string): PackageManifest {
  return JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as PackageManifest;
}

/** dist/cjs has a package.json of its own, which only says the module format: hence the name. */
function findPackageRoot(folder: string): string {
  if (existsSync(path.join(folder, "package.json")) && readManifest(folder).name === "node-mlc")
    return folder;
  const parent = path.dirname(folder);
  if (parent === folder)
    throw new MlcError(
      "ERR_NATIVE",
      "Expected node-mlc's package.json above its own files but there is none.",
    );
  return findPackageRoot(parent);
}
