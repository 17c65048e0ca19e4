/**
 * A compiled package on disk, opened: manifest parsed, every file present in its full size, small files and libraries verified by
 * digest. No weight is read unless asked for. Input: a folder. Output: what the engine and the command line need to know of it.
 */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { MlcError } from "../errors.js";
import { verifyDigest } from "./digest.js";
import { fileError } from "./file-error.js";
import { MANIFEST_FILE, type Manifest, type ManifestFile, parseManifest } from "./manifest.js";
import { type MemoryPlan, type MemoryPlanRequest, planMemory } from "./memory-plan.js";

/** A manifest beyond this is no manifest; a model of a thousand layers needs a tenth. */
const LARGEST_MANIFEST = 64 * 2 ** 20;

/** How a package is opened. */
export interface OpenPackageOptions {
  /** Verify the weight shards' digests too: reads every byte of the package. */
  readonly verify?: boolean;
  readonly signal?: AbortSignal;
}

/** A compiled model in its folder; nothing of it is loaded. */
export class ModelPackage {
  /** Folder of the package, absolute. */
  readonly path: string;
  readonly manifest: Manifest;

  private constructor(folder: string, manifest: Manifest) {
    this.path = folder;
    this.manifest = manifest;
  }

  /**
   * Opens a package folder.
   * Errors: ERR_MODEL_NOT_FOUND (no such folder), ERR_INVALID_PACKAGE (no or wrong manifest, a file missing or of the wrong size),
   * ERR_PACKAGE_VERSION, ERR_DIGEST_MISMATCH, ERR_ABORTED, ERR_IO.
   */
  static async open(folder: string, options: OpenPackageOptions = {}): Promise<ModelPackage> {
    const root = path.resolve(folder);
    try {
      const manifest = await readManifest(root);
      const opened = new ModelPackage(root, manifest);
      await opened.checkFiles(options);
      return opened;
    } catch (cause) {
      throw fileError(`open the package ${root}`, cause);
    }
  }

  /** Absolute path of a file of the package. Errors: ERR_INVALID_PACKAGE for a name the manifest does not list. */
  file(name: string): string {
    if (!Object.hasOwn(this.manifest.files, name)) {
      throw new MlcError(
        "ERR_INVALID_PACKAGE",
        `Expected the file ${name} in the package ${this.path} but its manifest lists none.`,
      );
    }
    return path.join(this.path, ...name.split("/"));
  }

  /** Content of a text file of the package. Errors: as `file`, and ERR_IO. */
  async readText(name: string): Promise<string> {
    const file = this.file(name);
    try {
      return await readFile(file, "utf8");
    } catch (cause) {
      throw fileError(`read ${file}`, cause);
    }
  }

  /** Memory the package needs for a load; see planMemory. */
  plan(request: MemoryPlanRequest = {}): MemoryPlan {
    return planMemory(this.manifest, request);
  }

  private async checkFiles({ verify = false, signal }: OpenPackageOptions): Promise<void> {
    const shards = new Set(this.manifest.weights.shards.map(({ file }) => file));
    for (const [name, expected] of Object.entries(this.manifest.files)) {
      if (signal?.aborted) throw new MlcError("ERR_ABORTED", `Opening ${this.path} was aborted.`);
      const file = this.file(name);
      await checkSize(file, name, expected);
      if (verify || !shards.has(name)) await verifyDigest(file, name, expected, signal);
    }
  }
}

async function readManifest(root: string): Promise<Manifest> {
  const folder = await stat(root).catch(() => undefined);
  if (folder === undefined) {
    throw new MlcError("ERR_MODEL_NOT_FOUND", `Expected a package folder but ${root} does not exist.`);
  }
  const file = path.join(root, MANIFEST_FILE);
  const found = folder.isDirectory() ? await stat(file).catch(() => undefined) : undefined;
  if (found === undefined || !found.isFile()) {
    throw new MlcError(
      "ERR_INVALID_PACKAGE",
      `Expected a compiled package (a folder with ${MANIFEST_FILE}) but received ${root}: compile the model first (node-mlc compile SOURCE -o DIR).`,
    );
  }
  if (found.size > LARGEST_MANIFEST) {
    throw new MlcError(
      "ERR_INVALID_PACKAGE",
      `Expected at most ${LARGEST_MANIFEST} bytes in ${file} but received ${found.size}.`,
    );
  }
  return parseManifest(await readFile(file, "utf8"), file);
}

async function checkSize(file: string, name: string, expected: ManifestFile): Promise<void> {
  const found = await stat(file).catch((cause: unknown) => {
    throw new MlcError(
      "ERR_INVALID_PACKAGE",
      `Expected the file ${name} in the package but it is missing: ${file}. Compile or download the package again.`,
      { cause },
    );
  });
  if (!found.isFile() || found.size !== expected.bytes) {
    throw new MlcError(
      "ERR_INVALID_PACKAGE",
      `Expected ${expected.bytes} bytes in ${name} but received ${found.isFile() ? found.size : "no regular file"}: ${file} is incomplete or damaged. Compile or download the package again.`,
      { details: { file: name, expected: expected.bytes, received: found.size } },
    );
  }
}
