// Tuning on this machine: a search really runs, its numbers change no bit, and packages and later compiles have what was found.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { resolveTarget } from "../../lib/compiler/codegen/target.js";
import { compile } from "../../lib/compiler/compile.js";
import type { CompileOptions } from "../../lib/compiler/compile-options.js";
import {
  bestDotForm,
  defaultTuning,
  type LinearOptions,
  type LinearTuning,
  linear,
  linearName,
} from "../../lib/compiler/kernels/index.js";
import { architectureOfHuggingFace } from "../../lib/compiler/models/registry.js";
import type { KernelRecord } from "../../lib/compiler/tuning/record-file.js";
import { searchSpace } from "../../lib/compiler/tuning/search-space.js";
import { tuneKernels } from "../../lib/compiler/tuning/tune-kernels.js";
import { cpuFeatures, FfiModule, loadCompilerLibrary, Tensor } from "../../lib/ffi/index.js";
import type { ModelPackage } from "../../lib/package/model-package.js";
import { DecoderRunner } from "../support/decoder-runner.js";
import { Kernel, packedTensor } from "../support/kernel-library.js";
import { packageParameters } from "../support/package-parameters.js";
import { Random } from "../support/random.js";
import { quantizeActivations } from "../support/reference/activation.js";
import { randomWeight } from "../support/reference/rows16.js";
import { sharedData } from "../support/shared-data.js";

const scratch = mkdtempSync(path.join(os.tmpdir(), "node-mlc-tuning-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
beforeAll(() => loadCompilerLibrary());

const canMultiply = bestDotForm(new Set(cpuFeatures())) !== undefined;
/** Meant where there is any. */
const dot = bestDotForm(new Set(cpuFeatures())) ?? "avx2";
const segments = [{ format: "q4_0", rows: 64 } as const];

describe.runIf(canMultiply)("one kernel", () => {
  it("is tuned within the budget", () => {
    const options: LinearOptions = { columns: 64, segments, tokens: 1, input: "float32", dot };
    const name = linearName(options);
    const progress: number[] = [];
    const begin = performance.now();
    const { records, finished } = tuneKernels([{ name, options, stepBytes: 1 }], {
      target: resolveTarget("cpu"),
      prefillChunk: 32,
      residentBytes: 1 << 16,
      seconds: 2,
      known: new Map(),
      onProgress: (seconds) => progress.push(seconds),
    });
    // The last thing begun may end after the budget: one variant's code.
    expect(performance.now() - begin).toBeLessThan(2000 + 1500);
    expect(finished).toBe(1);
    expect(Math.max(...progress)).toBeLessThanOrEqual(2);
    const record = records.get(name);
    expect(record?.searched).toEqual(["prefetch"]);
    const prefetches = searchSpace(1, dot).flatMap(({ choices }) => choices);
    expect(prefetches).toContainEqual({ prefetchBytes: record?.tuning.prefetchBytes });
  });

  it("leaves everything as it is without time", () => {
    const options: LinearOptions = { columns: 64, segments, tokens: "n", dot };
    const { records, finished } = tuneKernels([{ name: linearName(options), options, stepBytes: 1 }], {
      target: resolveTarget("cpu"),
      prefillChunk: 32,
      residentBytes: 1 << 16,
      seconds: 0.001,
      known: new Map(),
      onProgress: () => undefined,
    });
    expect([records.size, finished]).toEqual([0, 0]);
  });

  it("gives the same bits with every number that is tried", () => {
    const [columns, most] = [64, 33];
    const weight = packedTensor(randomWeight(new Random(1), "q4_0", 64, columns));
    const { blocks } = quantizeActivations(new Random(2).floats(most * columns));
    const outputs = (tuning: Partial<LinearTuning>) => {
      const kernel = new Kernel(linear({ columns, segments, tokens: "n", dot, tuning }));
      return [1, 7, 12, most].map((tokens) => {
        const words = blocks.subarray(0, tokens * (columns / 32) * 12);
        return kernel.run([Tensor.from(words, [tokens, columns / 32, 12], "int32"), weight], [tokens, 64]);
      });
    };
    const expected = outputs({});
    for (const { name, choices } of searchSpace("n", dot))
      for (const choice of choices)
        expect(outputs(choice), `${name} ${JSON.stringify(choice)}`).toEqual(expected);
  });
});

const llama = sharedData("goldens", "llama");

describe.runIf(canMultiply && llama)("a package", () => {
  const source = llama ?? "";
  const records = path.join(scratch, "cache");
  beforeEach(() => vi.stubEnv("NODE_MLC_CACHE", records));
  afterAll(() => vi.unstubAllEnvs());

  const compileTo = async (name: string, options: CompileOptions = {}) => {
    const notices: string[] = [];
    const limits = { contextLength: 64, prefillChunk: 40, maxBatch: 2 };
    const compiled = await compile(source, {
      output: path.join(scratch, name),
      quantization: "q4_0",
      ...limits,
      ...options,
      onProgress: ({ phase, note }) => phase === "tune" && note !== undefined && notices.push(note),
    });
    return { compiled, notices, tuning: compiled.manifest.libraries[0]?.tuning };
  };

  /** Logits of a prompt and of one token after it. */
  const logits = (compiled: ModelPackage) => {
    const config = JSON.parse(readFileSync(path.join(source, "config.json"), "utf8")) as Record<
      string,
      unknown
    >;
    const decoder = architectureOfHuggingFace(config).fromHuggingFace(config);
    const library = path.join(compiled.path, compiled.manifest.libraries[0]?.file ?? "");
    const runner = new DecoderRunner(
      FfiModule.loadFromFile(library),
      decoder,
      packageParameters(compiled),
      compiled.manifest.kvCache.dtype,
    );
    const tokens = Array.from({ length: 31 }, (_, i) => 3 + ((i * 7) % 50));
    return [
      ...runner.step("batch_prefill", [{ sequence: 0, tokens }]),
      ...runner.step("decode", [{ sequence: 0, tokens: [5] }]),
    ];
  };

  let expected: Float32Array[];
  const recordFile = () => path.join(records, readdirSync(records)[0] ?? "");

  it("of defaults reads no records and has none", async () => {
    const { compiled, notices, tuning } = await compileTo("default", { tune: 0 });
    expect(tuning).toBeUndefined();
    expect(notices).toEqual([]);
    expected = logits(compiled);
  });

  it("compiled with tune says what was chosen, and has the same logits", async () => {
    const { compiled, notices, tuning } = await compileTo("tuned", { tune: { seconds: 15, threads: 1 } });
    expect(notices).toEqual([expect.stringMatching(/kernels are tuned.*The records are in/)]);
    expect(tuning?.threads).toBe(1);
    expect(tuning?.kernels.length).toBeGreaterThan(0);
    for (const { kernel, origin, speedups } of tuning?.kernels ?? []) {
      expect(kernel).toMatch(/^linear_/);
      expect(origin).toBe("measured");
      for (const factor of Object.values(speedups)) expect(factor).toBeGreaterThan(1);
    }
    expect(logits(compiled)).toEqual(expected);
  });

  it("compiled later takes the records of as many threads, to the same logits", async () => {
    // Numbers that no search would choose show that they were taken.
    const file = JSON.parse(readFileSync(recordFile(), "utf8")) as {
      machines: { kernels: Record<string, KernelRecord>; threads: number }[];
    };
    const odd = { tileTokens: 7, fewTileTokens: 3, fewTokens: 5, prefetchBytes: 640, panelBytes: 12345 };
    for (const machine of file.machines) {
      for (const record of Object.values(machine.kernels)) Object.assign(record.tuning, odd);
      machine.threads = 2;
    }
    writeFileSync(recordFile(), JSON.stringify(file));
    const { compiled, tuning } = await compileTo("recorded", { tune: { seconds: 0.001, threads: 2 } });
    expect(tuning?.kernels.length).toBeGreaterThan(0);
    for (const { origin, changes } of tuning?.kernels ?? [])
      expect([origin, changes]).toEqual(["recorded", expect.objectContaining(odd)]);
    expect(logits(compiled)).toEqual(expected);
  });

  it("is compiled in spite of a broken record file, with a notice", async () => {
    writeFileSync(recordFile(), "{");
    const { notices, tuning } = await compileTo("broken");
    expect(notices).toEqual([expect.stringContaining(`${recordFile()} cannot be used`)]);
    expect(tuning).toBeUndefined();
  });

  it("for another machine cannot be tuned here", async () => {
    const target = process.arch === "x64" ? "cpu:x86-64" : "cpu:generic";
    await expect(compileTo("foreign", { target, tune: 1 })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining('Expected the target "cpu" (this machine) to tune for'),
    });
    expect(readdirSync(scratch)).not.toContain("foreign");
  });
});

it("begins with numbers for the processor, where its caches are known", () => {
  expect(defaultTuning("avx2", "haswell").panelBytes).toBeLessThan(defaultTuning("avx2").panelBytes);
  expect(defaultTuning("vnni512", "no-such-cpu")).toEqual(defaultTuning("vnni512"));
  expect(defaultTuning("vnni256", "znver5").tileRows).toBe(defaultTuning("vnni256").tileRows);
});
