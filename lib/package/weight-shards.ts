/**
 * Weight shards: parameters one after the other in large files, each at a multiple of 64 bytes so that a memory-mapped parameter is
 * aligned for vector loads. A parameter is never split; a new shard begins where the next one would pass the size limit.
 */
import { type FileHandle, open } from "node:fs/promises";
import path from "node:path";
import { MlcError } from "../errors.js";
import { StreamingDigest } from "./digest.js";
import type { ManifestFile, ManifestParam } from "./manifest.js";
import { PARAM_ALIGNMENT } from "./manifest-check.js";
import { packedBytes, packedDtype, packedShape } from "./weight-format.js";

/** What a parameter is, before it has a place. */
export type ParamSpec = Pick<ManifestParam, "name" | "shape" | "format">;

/** Largest shard unless told otherwise: some file systems and tools stop at 2 GiB. */
export const DEFAULT_SHARD_BYTES = 2 ** 31;

interface OpenShard {
  readonly file: string;
  readonly handle: FileHandle;
  readonly digest: StreamingDigest;
}

/** Shape, type and bytes of a parameter as stored; errors as `packedShape`. */
export function paramLayout({
  shape,
  format,
}: ParamSpec): Pick<ManifestParam, "packedShape" | "dtype" | "bytes"> {
  const [rows = 0, columns] = shape;
  if (format === "vector" || columns === undefined)
    return { packedShape: [...shape], dtype: "float32", bytes: rows * 4 };
  return {
    packedShape: packedShape(format, rows, columns),
    dtype: packedDtype(format),
    bytes: packedBytes(format, rows, columns),
  };
}

export class WeightShardWriter {
  /** Shards finished so far, with size and digest. */
  readonly shards: ({ readonly file: string } & ManifestFile)[] = [];
  readonly params: ManifestParam[] = [];
  private readonly folder: string;
  private readonly shardBytes: number;
  private current: OpenShard | undefined;

  constructor(folder: string, shardBytes: number = DEFAULT_SHARD_BYTES) {
    this.folder = folder;
    this.shardBytes = shardBytes;
  }

  /**
   * Appends a parameter from its packed bytes; a chunk is done with before the next one is asked for.
   * Errors: ERR_COMPILE when the chunks do not add up to the parameter's bytes; the file system's own errors.
   */
  async add(spec: ParamSpec, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    const layout = paramLayout(spec);
    const shard = await this.shardFor(layout.bytes);
    const offset = shard.digest.bytes;
    for await (const chunk of chunks) {
      if (shard.digest.bytes + chunk.length > offset + layout.bytes)
        throw wrongLength(spec, layout.bytes, "more");
      await append(shard, chunk);
    }
    const received = shard.digest.bytes - offset;
    if (received !== layout.bytes) throw wrongLength(spec, layout.bytes, String(received));
    this.params.push({ ...spec, ...layout, shard: this.shards.length, offset });
  }

  /** Ends the last shard: everything is on the disk. */
  async finish(): Promise<void> {
    const shard = this.current;
    if (shard === undefined) return;
    await shard.handle.sync();
    await shard.handle.close();
    this.current = undefined;
    this.shards.push({ file: shard.file, ...shard.digest.finish() });
  }

  /** Closes an unfinished shard; its bytes are worthless. */
  async abort(): Promise<void> {
    const shard = this.current;
    this.current = undefined;
    await shard?.handle.close();
  }

  /** The open shard, aligned for a parameter of `bytes`; a new one where that would pass the limit. */
  private async shardFor(bytes: number): Promise<OpenShard> {
    if (this.current !== undefined) {
      const end = this.current.digest.bytes;
      const padding = (PARAM_ALIGNMENT - (end % PARAM_ALIGNMENT)) % PARAM_ALIGNMENT;
      if (end + padding + bytes <= this.shardBytes) {
        if (padding > 0) await append(this.current, new Uint8Array(padding));
        return this.current;
      }
      await this.finish();
    }
    const file = `weights-${String(this.shards.length).padStart(5, "0")}.bin`;
    const handle = await open(path.join(this.folder, file), "w");
    this.current = { file, handle, digest: new StreamingDigest() };
    return this.current;
  }
}

async function append(shard: OpenShard, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await shard.handle.write(bytes, done, bytes.length - done);
    done += bytesWritten;
  }
  shard.digest.update(bytes);
}

function wrongLength({ name, shape, format }: ParamSpec, expected: number, received: string): MlcError {
  return new MlcError(
    "ERR_COMPILE",
    `Expected ${expected} packed bytes for ${name} [${shape}] as ${format} but received ${received}.`,
  );
}
