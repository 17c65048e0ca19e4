// Opens model files memory-mapped through the native addon, so that only the pages of the tensor at hand are in memory.
import { statSync } from "node:fs";
import { mapFile } from "../../ffi/index.js";
import { type ByteSource, FileSource, MemorySource, openFailure } from "./byte-source.js";

/** Longest array of the oldest supported Node; a longer file is read piece by piece instead. */
const LONGEST_MAPPING = 2 ** 32 - 1;

/** Maps a file; the mapping goes when nothing refers to it any more. Errors: ERR_MODEL_NOT_FOUND, ERR_IO. */
export function openMapped(path: string): ByteSource {
  try {
    const { size } = statSync(path);
    // An empty file cannot be mapped.
    if (size === 0) return new MemorySource(new Uint8Array(0), path);
    return size > LONGEST_MAPPING ? new FileSource(path) : new MemorySource(mapFile(path), path);
  } catch (cause) {
    throw openFailure(path, cause);
  }
}
