// How many rows a prefill step takes by default: as many as keep a layer's activations in the last-level cache.
import { readFileSync } from "node:fs";
import { MlcError } from "../errors.js";
import type { CompileLimits } from "./compile-options.js";
import { qkvSize } from "./models/decoder-config.js";
import { isEncoder, type ModelConfig } from "./models/model-config.js";

const MOST_ROWS = 512;
const LEAST_ROWS = 128;
/** Default chunks are multiples of this. */
const ROW_STEP = 64;

/** Bytes of 8-bit activations with their scales, per value. */
const INT8_BYTES = 1.5;
const FLOAT_BYTES = 4;

/**
 * The default of `prefillChunk`. Half of the cache is left to weights and keys.
 * @param cacheBytes last-level cache of the machine that will run the code; undefined where it is not known.
 */
export function defaultPrefillChunk(config: ModelConfig, cacheBytes: number | undefined): number {
  // A text of an encoder is computed whole.
  if (isEncoder(config)) return Math.max(MOST_ROWS, config.contextLength);
  if (cacheBytes === undefined) return MOST_ROWS;
  const rows = Math.floor(cacheBytes / 2 / rowBytes(config) / ROW_STEP) * ROW_STEP;
  return Math.min(MOST_ROWS, Math.max(LEAST_ROWS, rows));
}

/** @throws MlcError ERR_INVALID_ARGUMENT for an encoder whose steps cannot hold its longest text. */
export function requireWholeTexts(config: ModelConfig, limits: CompileLimits): void {
  const { contextLength, prefillChunk } = limits;
  if (!isEncoder(config) || prefillChunk >= contextLength) return;
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected a prefillChunk of at least the contextLength, ${contextLength}, of an encoder, which computes a text whole, but received ${prefillChunk}: leave it out, or ask for a shorter context.`,
  );
}

/** What one row occupies while a layer is computed: hidden states before and after, queries, keys and values, the gate's outputs. */
function rowBytes(config: ModelConfig): number {
  const { hiddenSize, intermediateSize } = config;
  return (2 * hiddenSize + qkvSize(config)) * FLOAT_BYTES + (hiddenSize + intermediateSize) * INT8_BYTES;
}

/** Bytes of this machine's last-level cache; undefined where the system does not say (it does on Linux). */
export function lastLevelCacheBytes(): number | undefined {
  for (const index of [3, 2]) {
    try {
      const text = readFileSync(`/sys/devices/system/cpu/cpu0/cache/index${index}/size`, "utf8").trim();
      const match = /^(\d+)([KM])$/.exec(text);
      if (match !== null) return Number(match[1]) * (match[2] === "K" ? 1 << 10 : 1 << 20);
    } catch {
      // Not Linux, or no such level.
    }
  }
  return undefined;
}
