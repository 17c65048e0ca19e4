/**
 * Writes a package atomically: everything goes into a staging folder beside the destination, the manifest last, and one rename puts
 * the whole in place. A killed compile leaves only a staging folder (named by its process), which the next run removes; a package
 * that was there stays until the new one is complete. Any failure removes the staging folder.
 */
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rm, statfs } from "node:fs/promises";
import path from "node:path";
import { MlcError } from "../errors.js";
import { StreamingDigest } from "./digest.js";
import { fileError } from "./file-error.js";
import { formatVersion } from "./format-version.js";
import { kvBytesPerToken, PAGE_SIZE } from "./kv-format.js";
import {
  checkManifest,
  isPackagePath,
  MANIFEST_FILE,
  type Manifest,
  type ManifestFile,
  PACKAGE_FORMAT,
} from "./manifest.js";
import { createStaging, removeStale, replaceFolder, syncFolder } from "./staging.js";
import { type ParamSpec, WeightShardWriter } from "./weight-shards.js";

/** The manifest as the compiler knows it; the writer adds files, weights, page sizes and the format's own fields. */
export type ManifestDraft = Omit<
  Manifest,
  "format" | "version" | "limits" | "kvCache" | "weights" | "memory" | "files"
> & {
  readonly limits: Omit<Manifest["limits"], "pageSize">;
  readonly kvCache: Pick<Manifest["kvCache"], "dtype">;
  readonly memory: Pick<Manifest["memory"], "temporaries">;
};

export interface PackageWriterOptions {
  /** Most bytes of one weight shard; default 2 GiB. */
  readonly shardBytes?: number;
  /** Bytes the package will need: refused at once where the disk has less free. */
  readonly expectedBytes?: number;
}

export class PackageWriter {
  /** The folder the package is going to be, absolute. */
  readonly output: string;
  /** The folder being written; gone after `finish` and `abort`. */
  readonly staging: string;
  private readonly shards: WeightShardWriter;
  private readonly files = new Map<string, ManifestFile>();
  private closed = false;

  private constructor(output: string, staging: string, options: PackageWriterOptions) {
    this.output = output;
    this.staging = staging;
    this.shards = new WeightShardWriter(staging, options.shardBytes);
  }

  /**
   * Begins a package at the folder `output`, which may be absent, empty or an older package.
   * Errors: ERR_INVALID_ARGUMENT for a folder that holds something else, ERR_IO for no rights or too little space.
   */
  static async create(output: string, options: PackageWriterOptions = {}): Promise<PackageWriter> {
    const folder = path.resolve(output);
    try {
      await removeStale(folder);
      await refuseForeignFolder(folder);
      const staging = await createStaging(folder);
      const writer = new PackageWriter(folder, staging, options);
      await writer.attempt(`write a package in ${path.dirname(folder)}`, () =>
        refuseSmallDisk(staging, options.expectedBytes ?? 0),
      );
      return writer;
    } catch (cause) {
      throw fileError(`write a package at ${folder}`, cause);
    }
  }

  /** Adds a file of the package from memory. `name` is its path inside the package, "/" between folders. */
  async addFile(name: string, data: string | Uint8Array): Promise<void> {
    await this.addChunks(name, [typeof data === "string" ? Buffer.from(data) : data]);
  }

  /** Adds a copy of the file at `source`. */
  async copyFile(name: string, source: string): Promise<void> {
    await this.addChunks(name, createReadStream(source, { highWaterMark: 1 << 20 }));
  }

  /**
   * Adds the next parameter, in the order of the compiled functions. Chunks are its packed bytes; each is written before the
   * next one is asked for. Errors: what the chunks throw, ERR_COMPILE for a wrong number of bytes, ERR_IO.
   */
  async addParam(spec: ParamSpec, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    await this.attempt(`write the weights of ${this.output}`, () => this.shards.add(spec, chunks));
  }

  /**
   * Completes the package and puts it in place; returns its folder.
   * Errors: ERR_INVALID_PACKAGE when the draft contradicts itself or the files, ERR_IO. The staging folder is gone in either case.
   */
  async finish(draft: ManifestDraft): Promise<string> {
    await this.attempt(`write the package ${this.output}`, async () => {
      await this.shards.finish();
      for (const { file, bytes, sha256 } of this.shards.shards) this.files.set(file, { bytes, sha256 });
      const manifest = this.complete(draft);
      await writeDurably(path.join(this.staging, MANIFEST_FILE), [
        Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`),
      ]);
      await syncFolder(this.staging);
      await replaceFolder(this.staging, this.output);
    });
    this.closed = true;
    return this.output;
  }

  /** Gives up: removes everything written. Harmless after `finish`, `abort` or a failure. */
  async abort(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.shards.abort();
    await rm(this.staging, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort();
  }

  /** The whole manifest, checked as a reader would. */
  private complete(draft: ManifestDraft): Manifest {
    const bytesPerToken = kvBytesPerToken(draft.model, draft.kvCache.dtype);
    const totalBytes = this.shards.shards.reduce((sum, { bytes }) => sum + bytes, 0);
    const { generator, tvm, model, quantization, activations, limits, libraries, ...rest } = draft;
    return checkManifest({
      format: PACKAGE_FORMAT,
      version: formatVersion(draft),
      generator,
      tvm,
      model,
      quantization,
      activations,
      limits: { ...limits, pageSize: PAGE_SIZE },
      libraries,
      ...rest,
      kvCache: { dtype: draft.kvCache.dtype, bytesPerToken, pageBytes: bytesPerToken * PAGE_SIZE },
      weights: {
        totalBytes,
        shards: this.shards.shards.map(({ file, bytes }) => ({ file, bytes })),
        params: this.shards.params,
      },
      memory: { weights: totalBytes, temporaries: draft.memory.temporaries },
      files: Object.fromEntries(this.files),
    });
  }

  private async addChunks(
    name: string,
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<void> {
    await this.attempt(`write ${name} of the package ${this.output}`, async () => {
      if (!isPackagePath(name) || this.files.has(name)) {
        throw new MlcError(
          "ERR_INVALID_ARGUMENT",
          `Expected a new relative path for a file of the package but received ${JSON.stringify(name)}.`,
        );
      }
      const target = path.join(this.staging, name);
      await mkdir(path.dirname(target), { recursive: true });
      this.files.set(name, await writeDurably(target, chunks));
    });
  }

  /** Runs a step; a failure removes the staging folder and becomes an MlcError. */
  private async attempt(action: string, step: () => Promise<void>): Promise<void> {
    if (this.closed) {
      throw new MlcError(
        "ERR_DISPOSED",
        `Could not ${action}: the package was already finished or given up.`,
      );
    }
    try {
      await step();
    } catch (cause) {
      // What failed matters more than a staging folder that cannot be removed either; the next run removes it.
      await this.abort().catch(() => undefined);
      throw fileError(action, cause);
    }
  }
}

/** Writes a file and forces it to the disk; returns its size and digest. */
async function writeDurably(
  file: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<ManifestFile> {
  const digest = new StreamingDigest();
  const handle = await open(file, "w");
  try {
    for await (const chunk of chunks) {
      digest.update(chunk);
      await handle.writeFile(chunk);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return digest.finish();
}

/** A folder that is neither empty nor a package is somebody's data: it is never replaced. */
async function refuseForeignFolder(folder: string): Promise<void> {
  let entries: string[];
  try {
    entries = await readdir(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
    throw error;
  }
  if (entries.length === 0) return;
  const manifest = await readFile(path.join(folder, MANIFEST_FILE), "utf8").catch(() => "");
  if (!manifest.includes(`"${PACKAGE_FORMAT}"`)) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected an absent or empty folder or an older package to replace but received ${folder}, which holds other files: choose another output.`,
    );
  }
}

async function refuseSmallDisk(folder: string, expectedBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free < expectedBytes) {
    throw new MlcError(
      "ERR_IO",
      `Expected ${expectedBytes} free bytes for the package but ${path.dirname(folder)} has ${free}: free some space or choose another folder.`,
      { details: { expectedBytes, free } },
    );
  }
}
