// Models with sliding windows, and with a cache in 8 bits, against a reference decoder that agrees with transformers without them.
import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { buildExecutable } from "../../lib/compiler/codegen/executable.js";
import { resolveTarget } from "../../lib/compiler/codegen/target.js";
import { architectureOfHuggingFace } from "../../lib/compiler/models/registry.js";
import { buildCausalLm } from "../../lib/compiler/nn/causal-lm.js";
import { runPipeline } from "../../lib/compiler/passes/pipeline.js";
import { loadCompilerLibrary } from "../../lib/ffi/index.js";
import type { KvDtype } from "../../lib/package/kv-format.js";
import { DecoderRunner } from "../support/decoder-runner.js";
import { float32Parameters } from "../support/float32-parameters.js";
import { relativeError } from "../support/kernel-library.js";
import { ReferenceDecoder } from "../support/reference/decoder.js";
import { readSafetensor, readSafetensors } from "../support/safetensors.js";
import { sharedData } from "../support/shared-data.js";

/** Largest error of a logit in standard deviations: float32 sums of a few hundred numbers. */
const TOLERANCE = 2e-4;
/** The same with a cache in 8 bits: an element between two codes may go to either. */
const CODES_TOLERANCE = 5e-3;
const goldens = sharedData("goldens");

/** A golden checkpoint with fields of config.json changed. */
function checkpoint(name: string, change: Record<string, unknown>) {
  const folder = path.join(goldens ?? "", name);
  const source = { ...JSON.parse(readFileSync(path.join(folder, "config.json"), "utf8")), ...change };
  const config = architectureOfHuggingFace(source).fromHuggingFace(source);
  const tensors = readSafetensors(path.join(folder, "model.safetensors"));
  const ids = readSafetensor(path.join(folder, "golden.safetensors"), "input_ids");
  const rows = [...ids.data];
  return { folder, config, tensors, rows };
}

describe.skipIf(goldens === undefined).each(["mistral", "qwen2", "qwen3"])("%s", (name) => {
  it("the reference gives the logits of transformers", () => {
    const { folder, config, tensors, rows } = checkpoint(name, {});
    const expected = readSafetensor(path.join(folder, "golden.safetensors"), "logits").data;
    const reference = new ReferenceDecoder(config, tensors, "float32");
    // The first of two sequences.
    const received = rows.slice(0, rows.length / 2).flatMap((token) => reference.append(token));
    expect(relativeError(Float32Array.from(received), expected.subarray(0, received.length))).toBeLessThan(
      TOLERANCE,
    );
  });
});

const CASES: readonly (readonly [name: string, change: Record<string, unknown>, kvDtype: KvDtype])[] = [
  ["mistral", { sliding_window: 17 }, "float32"],
  ["mistral", { sliding_window: 1 }, "float32"],
  [
    "qwen2",
    { sliding_window: 15, use_sliding_window: true, layer_types: ["full_attention", "sliding_attention"] },
    "float32",
  ],
  [
    "qwen3",
    { sliding_window: 33, use_sliding_window: true, layer_types: null, max_window_layers: 0 },
    "int8",
  ],
  ["mistral", {}, "int8"],
];

describe.skipIf(goldens === undefined).each(CASES)("%s with %j, cache in %s", (name, change, kvDtype) => {
  let newRunner: () => DecoderRunner;
  let tokens: number[];
  let expected: number[][];

  beforeAll(() => {
    loadCompilerLibrary();
    const { config, tensors, rows } = checkpoint(name, change);
    const parameters = float32Parameters(config, tensors);
    const target = resolveTarget("cpu");
    const limits = { prefillChunk: 200, maxBatch: 2 };
    const module = buildCausalLm({ config, formats: parameters.formats, kvDtype, target, ...limits });
    const executable = buildExecutable(runPipeline(module).module, target);
    newRunner = () => new DecoderRunner(executable, config, parameters.tensors, kvDtype);
    // Two chunks of 128 keys and a part of a third.
    tokens = [...rows, ...rows, ...rows, ...rows].slice(0, 275);
    const reference = new ReferenceDecoder(config, tensors, kvDtype);
    expected = tokens.map((token) => reference.append(token));
  });

  function expectClose(received: readonly Float32Array[], reference: readonly number[][]): void {
    expect(received.length).toBe(reference.length);
    const values = Float32Array.from(received.flatMap((row) => [...row]));
    const tolerance = kvDtype === "int8" ? CODES_TOLERANCE : TOLERANCE;
    expect(relativeError(values, reference.flat())).toBeLessThan(tolerance);
  }

  it.each([160, 31])("prefills in chunks of %i, then decodes", (chunk) => {
    const runner = newRunner();
    const prompt = 270;
    for (let at = 0; at < prompt; at += chunk) {
      const part = tokens.slice(at, Math.min(prompt, at + chunk));
      const received = runner.step("batch_prefill", [{ sequence: 0, tokens: part }]);
      expectClose(received, expected.slice(at, at + part.length));
    }
    for (let at = prompt; at < tokens.length; at++) {
      const received = runner.step("decode", [{ sequence: 0, tokens: tokens.slice(at, at + 1) }]);
      expectClose(received, expected.slice(at, at + 1));
    }
  });
});
