// GGUF files with the mixtures of llama.cpp's Q4_K_M, through `compile --quantization keep`: formats, numbers, logits. The exact
// float32 weights of the same file are the reference. Needs the built library (dist).
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ModelShape } from "../../bench/gguf/model-shapes.js";
import { writeRandomGguf } from "../../bench/gguf/random-gguf.js";
import { compile } from "../../lib/compiler/compile.js";
import type { CompileOptions } from "../../lib/compiler/compile-options.js";
import { openSourceModel } from "../../lib/compiler/source-model.js";
import { FfiModule } from "../../lib/ffi/index.js";
import type { ModelPackage } from "../../lib/package/model-package.js";
import { DecoderRunner } from "../support/decoder-runner.js";
import { relativeError } from "../support/kernel-library.js";
import { WIDE_SHAPE } from "../support/model-shapes.js";
import { packageParameters } from "../support/package-parameters.js";
import { Random } from "../support/random.js";

const scratch = mkdtempSync(path.join(os.tmpdir(), "node-mlc-keep-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Columns in between: Q5_0 and Q8_0 instead. */
const narrow: ModelShape = { ...WIDE_SHAPE, hidden: 192, heads: 3, kvHeads: 3, feedForward: 320 };

describe.each([
  ["wide", WIDE_SHAPE, ["q4_k", "q6_k"]],
  ["narrow", narrow, ["q5_0", "q8_0"]],
] as const)("a %s model", (name, shape, formats) => {
  const source = path.join(scratch, `${name}.gguf`);
  const random = new Random(7);
  const tokens = Array.from({ length: 40 }, () => random.integer(shape.vocabulary));
  let expected: Float64Array;

  /** Logits of `tokens`: all but the last in a prompt, the last in a step of its own. */
  async function logits(compiled: ModelPackage): Promise<Float32Array> {
    const { imported, config } = await openSourceModel(source);
    imported.close();
    const { manifest } = compiled;
    const library = FfiModule.loadFromFile(path.join(compiled.path, manifest.libraries[0]?.file ?? ""));
    const runner = new DecoderRunner(library, config, packageParameters(compiled), manifest.kvCache.dtype);
    const prompt = runner.step("batch_prefill", [{ sequence: 0, tokens: tokens.slice(0, -1) }]);
    const last = runner.step("decode", [{ sequence: 0, tokens: tokens.slice(-1) }]);
    return Float32Array.from([...prompt, ...last].flatMap((row) => [...row]));
  }

  // A path of its own each time: a process loads a library of one name once.
  let packages = 0;
  const compiled = (options: CompileOptions) =>
    compile(source, { output: path.join(scratch, `${name}-${packages++}`), contextLength: 64, ...options });

  beforeAll(async () => {
    writeRandomGguf(source, name, shape, "q4_k_m");
    expected = Float64Array.from(await logits(await compiled({ quantization: "q0f32" })));
  });

  it("keeps its formats without a word of loss, and stays close with 8-bit activations", async () => {
    const notes: string[] = [];
    const kept = await compiled({ onProgress: ({ note }) => note && notes.push(note) });
    const { manifest } = kept;
    expect(manifest.quantization).toBe("keep");
    const matrices = manifest.weights.params.filter(({ format }) => format !== "vector");
    expect([...new Set(matrices.map(({ format }) => format))].sort()).toEqual(formats);
    expect(notes.filter((note) => note.includes("error"))).toEqual([]);
    expect(relativeError(await logits(kept), expected)).toBeLessThan(0.1);
  });

  // A KV cache in half precision is what is left.
  it("computes with the same numbers", async () => {
    const received = await logits(await compiled({ activations: "float32" }));
    expect(relativeError(received, expected)).toBeLessThan(3e-3);
  });
});
