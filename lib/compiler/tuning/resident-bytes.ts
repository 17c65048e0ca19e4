import os from "node:os";

/** A last-level cache of a size that the system does not tell: large. */
const LARGE_CACHE_BYTES = 64 << 20;
/** Caches that are walked through in order hold nothing of what was read twice their size ago. */
const CACHE_SHARE = 2;
/** At most this part of the free memory. */
const MEMORY_SHARE = 1 / 4;

/**
 * Bytes of weights to walk through while a kernel is timed, so that they come from where a step finds them.
 * @param modelBytes weights of the model.
 * @param cacheBytes last-level cache; undefined where the system does not say.
 */
export function residentBytes(
  modelBytes: number,
  cacheBytes: number = LARGE_CACHE_BYTES,
  freeBytes: number = os.freemem(),
): number {
  return Math.floor(Math.min(modelBytes, cacheBytes * CACHE_SHARE, freeBytes * MEMORY_SHARE));
}
