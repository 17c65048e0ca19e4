// The compiled functions against reference logits, without the engine: every way a sequence can be fed must agree.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { buildExecutable } from "../../lib/compiler/codegen/executable.js";
import { linkLibrary } from "../../lib/compiler/codegen/linker.js";
import { resolveTarget, type Target } from "../../lib/compiler/codegen/target.js";
import { architectureOfHuggingFace } from "../../lib/compiler/models/registry.js";
import { buildCausalLm } from "../../lib/compiler/nn/causal-lm.js";
import { runPipeline } from "../../lib/compiler/passes/pipeline.js";
import { cpuFeatures, FfiModule, loadCompilerLibrary } from "../../lib/ffi/index.js";
import { DecoderRunner } from "../support/decoder-runner.js";
import { float32Parameters } from "../support/float32-parameters.js";
import { testCuda, testGpus } from "../support/gpu-kernel.js";
import { readSafetensor, readSafetensors } from "../support/safetensors.js";
import { sharedData } from "../support/shared-data.js";

const TOLERANCE = 2e-4;
const goldens = sharedData("goldens");

/** Every architecture for this machine; one for lesser processors too, whose registers are narrower. */
const CASES: readonly (readonly [architecture: string, target: string])[] = [
  ...["llama", "llama3-rope", "mistral", "qwen2", "qwen3"].map((name) => [name, "cpu"] as const),
  ...(process.arch === "x64" && cpuFeatures().includes("avx2")
    ? ([
        ["llama", "cpu:x86-64-v3"],
        ["qwen3", "cpu:x86-64"],
      ] as const)
    : []),
  ...testGpus().flatMap(({ kind }) =>
    ["llama", "llama3-rope", "mistral", "qwen2", "qwen3"].map((name) => [name, kind] as const),
  ),
  // The same kernels by another generator; slow where it runs on the processor.
  ...testCuda().flatMap(({ target }) => ["llama", "qwen3"].map((name) => [name, target] as const)),
];

/** A library written and loaded: code for CUDA is chosen when it is loaded. */
async function throughFile(executable: FfiModule, target: Target): Promise<FfiModule> {
  const folder = mkdtempSync(path.join(tmpdir(), "node-mlc-decoder-"));
  const file = path.join(folder, "decoder.so");
  try {
    await linkLibrary(executable, target, file);
    return FfiModule.loadFromFile(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(goldens === undefined).each(CASES)("%s q0f32 for %s", (name, targetName) => {
  const folder = path.join(goldens ?? "", name);
  const gpu = [...testGpus(), ...testCuda()].find(({ target }) => target === targetName);
  let newRunner: () => DecoderRunner;
  let rows: number[][];
  let expected: Float32Array[][];
  let std: number;
  /** Weights of the output projection, a row a token. */
  let output: Float32Array[];

  beforeAll(async () => {
    loadCompilerLibrary();
    gpu?.prepare();
    const source = JSON.parse(readFileSync(path.join(folder, "config.json"), "utf8")) as Record<
      string,
      unknown
    >;
    const config = architectureOfHuggingFace(source).fromHuggingFace(source);
    const parameters = float32Parameters(config, readSafetensors(path.join(folder, "model.safetensors")));
    const target = resolveTarget(targetName);
    const module = buildCausalLm({
      config,
      formats: parameters.formats,
      kvDtype: "float32",
      target,
      prefillChunk: 48,
      maxBatch: 4,
    });
    const built = buildExecutable(runPipeline(module).module, target);
    const executable = gpu?.kind === "cuda" ? await throughFile(built, target) : built;
    newRunner = () =>
      new DecoderRunner(executable, config, parameters.tensors, "float32", 64, gpu?.placement);

    const tensors = readSafetensors(path.join(folder, "model.safetensors"));
    const head = (tensors.get("lm_head.weight") ?? tensors.get("model.embed_tokens.weight"))
      ?.data as Float32Array;
    output = Array.from({ length: config.vocabSize }, (_, token) =>
      head.subarray(token * config.hiddenSize, (token + 1) * config.hiddenSize),
    );

    const golden = path.join(folder, "golden.safetensors");
    const ids = readSafetensor(golden, "input_ids");
    const logits = readSafetensor(golden, "logits").data as Float32Array;
    const [count = 0, length = 0] = ids.shape;
    const vocab = config.vocabSize;
    rows = Array.from({ length: count }, (_, r) => [...ids.data.subarray(r * length, (r + 1) * length)]);
    expected = rows.map((row, r) =>
      row.map((_, i) => logits.subarray((r * length + i) * vocab, (r * length + i + 1) * vocab)),
    );
    std = (JSON.parse(readFileSync(path.join(folder, "golden.json"), "utf8")) as { logit_std: number })
      .logit_std;
  });

  function expectClose(
    received: readonly Float32Array[],
    reference: readonly (Float32Array | undefined)[],
  ): void {
    expect(received.length).toBe(reference.length);
    let worst = 0;
    received.forEach((row, i) => {
      expect(row.length).toBe(reference[i]?.length);
      row.forEach((value, j) => {
        const error = Math.abs(value - (reference[i]?.[j] ?? Number.NaN));
        // A NaN compares false with everything: it must count as the worst.
        worst = Math.max(error, worst);
      });
    });
    expect(worst / std).toBeLessThan(TOLERANCE);
  }

  it("prefills a sequence whole", () => {
    rows.forEach((tokens, r) => {
      expectClose(newRunner().step("batch_prefill", [{ sequence: r, tokens }]), expected[r] ?? []);
    });
  });

  it.each([1, 3, 7, 17, 31])("prefills in chunks of %i", (chunk) => {
    const runner = newRunner();
    const tokens = rows[0] ?? [];
    for (let at = 0; at < tokens.length; at += chunk) {
      const received = runner.step("batch_prefill", [{ sequence: 0, tokens: tokens.slice(at, at + chunk) }]);
      expectClose(received, expected[0]?.slice(at, at + chunk) ?? []);
    }
  });

  it.each(["decode", "batch_decode"] as const)("feeds token by token through %s", (entry) => {
    const runner = newRunner();
    rows[1]?.forEach((token, i) => {
      expectClose(runner.step(entry, [{ sequence: 1, tokens: [token] }]), [expected[1]?.[i]]);
    });
  });

  it("encodes to the rows that logits are made of, with the same bits in chunks and beside others", () => {
    const [a = [], b = []] = rows;
    const whole = newRunner().step("encode", [{ sequence: 0, tokens: a }]);
    const dot = (x: Float32Array, y: Float32Array) =>
      x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0);
    const logits = whole.map((hidden) => Float32Array.from(output, (weights) => dot(hidden, weights)));
    expectClose(logits, expected[0] ?? []);
    const runner = newRunner();
    const first = runner.step("encode", [
      { sequence: 1, tokens: b.slice(0, 9) },
      { sequence: 0, tokens: a.slice(0, 11) },
    ]);
    const rest = runner.step("encode", [{ sequence: 0, tokens: a.slice(11), logits: [a.length - 12] }]);
    // A GPU adds few rows and many in different orders.
    if (gpu !== undefined) return;
    expect(first.slice(9)).toEqual(whole.slice(0, 11));
    expect(rest).toEqual(whole.slice(-1));
  });

  it("mixes prompt chunks and decodes of several sequences in a step", () => {
    const runner = newRunner();
    const [a = [], b = []] = rows;
    const [x = [], y = []] = expected;
    expectClose(runner.step("batch_prefill", [{ sequence: 0, tokens: a.slice(0, 21) }]), x.slice(0, 21));
    const mixed = runner.step("batch_prefill", [
      { sequence: 1, tokens: b.slice(0, 13) },
      { sequence: 0, tokens: a.slice(21, 22) },
      { sequence: 2, tokens: a.slice(0, 5), logits: [4] },
    ]);
    expectClose(mixed, [...y.slice(0, 13), x[21], x[4]]);
    const decoded = runner.step("batch_decode", [
      { sequence: 2, tokens: a.slice(5, 6) },
      { sequence: 0, tokens: a.slice(22, 23) },
      { sequence: 1, tokens: b.slice(13, 14) },
    ]);
    expectClose(decoded, [x[5], x[22], y[13]]);
    expectClose(runner.step("decode", [{ sequence: 0, tokens: a.slice(23, 24) }]), [x[23]]);
  });
});
