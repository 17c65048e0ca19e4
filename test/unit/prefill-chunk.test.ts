// The default prefill chunk: whole steps within its bounds, smaller for wider models and smaller caches.
import { expect, it } from "vitest";
import type { DecoderConfig } from "../../lib/compiler/models/decoder-config.js";
import { defaultPrefillChunk } from "../../lib/compiler/prefill-chunk.js";

const MB = 1 << 20;

function model(hiddenSize: number, intermediateSize: number): DecoderConfig {
  const heads = hiddenSize / 64;
  return {
    architecture: "llama",
    vocabSize: 1000,
    hiddenSize,
    intermediateSize,
    layers: 2,
    attentionHeads: heads,
    keyValueHeads: heads / 4,
    headDim: 64,
    rmsNormEps: 1e-5,
    ropeTheta: 10000,
    contextLength: 8192,
    tieWordEmbeddings: true,
    qkvBias: false,
    qkNorm: false,
    eosTokenIds: [],
  };
}

it("fits a layer's activations into half of the cache, in steps of 64 rows", () => {
  // A row: (2 * 2048 + 3072) * 4 + (2048 + 8192) * 1.5 = 44,032 bytes; 16 MB hold 381 of them.
  expect(defaultPrefillChunk(model(2048, 8192), 32 * MB)).toBe(320);
  expect(defaultPrefillChunk(model(512, 1536), 32 * MB)).toBe(512);
  expect(defaultPrefillChunk(model(4096, 14336), 8 * MB)).toBe(128);
});

it("is 512 for a cache of unknown size", () => {
  expect(defaultPrefillChunk(model(2048, 8192), undefined)).toBe(512);
});
