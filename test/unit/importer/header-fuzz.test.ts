/** Thousands of damaged files: each one parses or is one MlcError, at once and without a large allocation. */
import { expect, test } from "vitest";
import { MemorySource } from "../../../lib/compiler/importer/byte-source.js";
import { importGguf } from "../../../lib/compiler/importer/gguf-model.js";
import type { SourceTensor } from "../../../lib/compiler/importer/imported-model.js";
import { openSafetensors } from "../../../lib/compiler/importer/safetensors.js";
import { MlcError } from "../../../lib/errors.js";
import { type WrittenValue, writeGguf } from "../../support/gguf-writer.js";
import { floatBytes, writeSafetensors } from "../../support/safetensors-writer.js";
import { tinyGguf, tinyMetadata } from "../../support/tiny-gguf.js";

const ROUNDS = 4000;
const LONGEST_MS = 1000;
const MOST_BYTES = 256 * 1024 * 1024;

/** Reproducible integers in [0, limit) (xorshift). */
function randomIntegers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

const EXTREMES = [
  0n,
  1n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
  2n ** 64n - 8n,
];

/** One damaged copy: flipped bits, a cut, an extreme length, or bytes moved, mostly within the header. */
function damaged(bytes: Uint8Array, headerBytes: number, random: (limit: number) => number): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const at = () => random(headerBytes);
  switch (random(5)) {
    case 0:
      for (let i = random(4); i >= 0; i--) {
        const place = at();
        copy[place] = (copy[place] ?? 0) ^ (1 << random(8));
      }
      return copy;
    case 1:
      return copy.slice(0, random(bytes.byteLength));
    case 2:
      view.setBigUint64(Math.min(at(), copy.byteLength - 8), EXTREMES[random(EXTREMES.length)] ?? 0n, true);
      return copy;
    case 3:
      view.setUint32(
        Math.min(at(), copy.byteLength - 4),
        Number(BigInt.asUintN(32, EXTREMES[random(8)] ?? 0n)),
        true,
      );
      return copy;
    default:
      copy.copyWithin(at(), at(), at() + random(64));
      return copy;
  }
}

interface Outcome {
  parsed: number;
  refused: number;
  /** What went wrong, with the round to repeat it. */
  readonly faults: string[];
}

function fuzz(
  seed: number,
  whole: Uint8Array,
  headerBytes: number,
  load: (bytes: Uint8Array) => Iterable<SourceTensor>,
): Outcome {
  const random = randomIntegers(seed);
  const outcome: Outcome = { parsed: 0, refused: 0, faults: [] };
  const memory = process.memoryUsage().rss;
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = damaged(whole, headerBytes, random);
    const start = performance.now();
    try {
      for (const tensor of load(bytes))
        tensor.readRows(0, tensor.shape.length === 1 ? (tensor.shape[0] ?? 0) : 1);
      outcome.parsed++;
    } catch (error) {
      if (error instanceof MlcError && /^Expected .* but /s.test(error.message)) outcome.refused++;
      else outcome.faults.push(`round ${round}: ${error instanceof Error ? error.stack : error}`);
    }
    const spent = performance.now() - start;
    if (spent > LONGEST_MS) outcome.faults.push(`round ${round}: ${spent} ms`);
  }
  const grown = process.memoryUsage().rss - memory;
  if (grown > MOST_BYTES) outcome.faults.push(`memory grew by ${grown} bytes`);
  return outcome;
}

function loadGguf(bytes: Uint8Array): Iterable<SourceTensor> {
  return importGguf("tiny.gguf", (name) => new MemorySource(bytes, name)).tensors.values();
}

function expectHealthy({ parsed, refused, faults }: Outcome): void {
  expect(faults.slice(0, 5)).toEqual([]);
  // Both happen, else the damage or the checks are no test.
  expect(parsed).toBeGreaterThan(ROUNDS / 100);
  expect(refused).toBeGreaterThan(ROUNDS / 10);
}

const spmMetadata: Record<string, WrittenValue> = {
  ...tinyMetadata,
  "tokenizer.ggml.model": ["string", "llama"],
  "tokenizer.ggml.scores": ["array", "f32", [0, -1, -2, -3, 0, 0, 0, -4]],
  "tokenizer.chat_template": ["string", "{{ messages }}"],
  "x.nested": [
    "array",
    "array",
    [
      ["u16", [1, 2, 3]],
      ["string", ["a", "b"]],
    ],
  ],
  "llama.rope.scaling.type": ["string", "linear"],
  "llama.rope.scaling.factor": ["f32", 2],
};

test("damaged GGUF files", { timeout: 120_000 }, () => {
  const whole = writeGguf(tinyGguf);
  expectHealthy(fuzz(1, whole, 1800, loadGguf));
});

test("damaged GGUF files with a SentencePiece vocabulary and nested arrays", { timeout: 120_000 }, () => {
  const whole = writeGguf({ ...tinyGguf, metadata: spmMetadata });
  expectHealthy(fuzz(2, whole, 2000, loadGguf));
});

test("damaged safetensors files", { timeout: 120_000 }, () => {
  const whole = writeSafetensors({
    "model.embed_tokens.weight": { dtype: "F32", shape: [4, 2], data: floatBytes([1, 2, 3, 4, 5, 6, 7, 8]) },
    "model.norm.weight": { dtype: "BF16", shape: [2], data: new Uint8Array(4) },
    "model.layers.0.mlp.up_proj.weight": { dtype: "F16", shape: [2, 2], data: new Uint8Array(8) },
    position_ids: { dtype: "I64", shape: [1], data: new Uint8Array(8) },
  });
  const load = (bytes: Uint8Array) =>
    openSafetensors("m.safetensors", (name) => new MemorySource(bytes, name)).tensors.values();
  expectHealthy(fuzz(3, whole, whole.byteLength - 44, load));
});
