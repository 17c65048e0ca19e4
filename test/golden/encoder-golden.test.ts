// The compiled encoder against reference rows, without the engine: alone, beside others and in any order.
import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { buildExecutable } from "../../lib/compiler/codegen/executable.js";
import { resolveTarget } from "../../lib/compiler/codegen/target.js";
import { encoderParameters } from "../../lib/compiler/models/encoder-parameters.js";
import { isEncoder } from "../../lib/compiler/models/model-config.js";
import { readModelConfig } from "../../lib/compiler/models/registry.js";
import { buildEncoder } from "../../lib/compiler/nn/encoder-module.js";
import { runPipeline } from "../../lib/compiler/passes/pipeline.js";
import { openSourceModel, parameterSource } from "../../lib/compiler/source-model.js";
import { cpuFeatures, loadCompilerLibrary } from "../../lib/ffi/index.js";
import { DecoderRunner } from "../support/decoder-runner.js";
import { float32Tensors } from "../support/float32-parameters.js";
import { readSafetensor } from "../support/safetensors.js";
import { sharedData } from "../support/shared-data.js";

const TOLERANCE = 2e-4;
const folder = sharedData("goldens", "bert");
const TARGETS = [
  "cpu",
  ...(process.arch === "x64" && cpuFeatures().includes("avx2") ? ["cpu:x86-64-v3", "cpu:x86-64"] : []),
];

describe.skipIf(folder === undefined).each(TARGETS)("bert q0f32 for %s", (targetName) => {
  let newRunner: () => DecoderRunner;
  /** Texts without padding, and their reference rows. */
  let texts: number[][];
  let expected: Float32Array[][];
  let deviation: number;

  beforeAll(async () => {
    loadCompilerLibrary();
    const source = folder ?? "";
    const model = await openSourceModel(source);
    const { config } = model;
    if (!isEncoder(config)) throw new Error("expected an encoder");
    const parameters = float32Tensors(encoderParameters(config), (parameter) => {
      const tensor = parameterSource(model, parameter);
      return tensor.readRows(0, tensor.shape[0] ?? 0);
    });
    const target = resolveTarget(targetName);
    const module = buildEncoder({
      config,
      formats: parameters.formats,
      kvDtype: "float32",
      target,
      prefillChunk: 512,
      maxBatch: 4,
    });
    const executable = buildExecutable(runPipeline(module).module, target);
    newRunner = () => new DecoderRunner(executable, config, parameters.tensors, "float32");

    const golden = path.join(source, "golden.safetensors");
    const ids = readSafetensor(golden, "input_ids");
    const mask = readSafetensor(golden, "attention_mask");
    const hidden = readSafetensor(golden, "last_hidden_state").data as Float32Array;
    const [count = 0, length = 0] = ids.shape;
    const width = config.hiddenSize;
    const kept = Array.from({ length: count }, (_, r) =>
      Array.from({ length }, (_, i) => r * length + i).filter((at) => mask.data[at] === 1),
    );
    texts = kept.map((places) => places.map((at) => ids.data[at] ?? Number.NaN));
    expected = kept.map((places) => places.map((at) => hidden.subarray(at * width, (at + 1) * width)));
    const values = expected.flat().flatMap((row) => [...row]);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  }, 120_000);

  function expectClose(received: readonly Float32Array[], reference: readonly Float32Array[]): void {
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
    expect(worst / deviation).toBeLessThan(TOLERANCE);
  }

  const encode = (...rows: readonly { sequence: number; tokens: number[]; logits?: number[] }[]) =>
    newRunner().step("encode", rows);

  it("encodes a text alone to the reference's rows, one that is padded there too", () => {
    expect(texts.map((tokens) => tokens.length)).toEqual([40, 30]);
    texts.forEach((tokens, sequence) => {
      expectClose(encode({ sequence, tokens }), expected[sequence] ?? []);
    });
  });

  it("encodes texts together to the same bits as alone, whatever stands beside", () => {
    const [a = [], b = []] = texts;
    const alone = [encode({ sequence: 0, tokens: a }), encode({ sequence: 0, tokens: b })];
    const long = Array.from({ length: 200 }, (_, i) => (i * 37 + 5) % 320);
    const longAlone = encode({ sequence: 0, tokens: long });
    const together = encode(
      { sequence: 0, tokens: b },
      { sequence: 1, tokens: long },
      { sequence: 2, tokens: a },
    );
    expect(together).toEqual([...(alone[1] ?? []), ...longAlone, ...(alone[0] ?? [])]);
  });

  it("sees the whole text from its first row, across chunks and blocks of attention", () => {
    for (const length of [1, 2, 64, 65, 129, 200]) {
      const tokens = Array.from({ length }, (_, i) => (i * 37 + 5) % 320);
      const [first] = encode({ sequence: 0, tokens, logits: [0] });
      const changed = encode({ sequence: 0, tokens: [...tokens.slice(0, -1), 7], logits: [0] });
      const rows = encode({ sequence: 0, tokens });
      expect(first).toEqual(rows[0]);
      expect(rows.flatMap((row) => [...row]).every(Number.isFinite)).toBe(true);
      expect(changed[0]).not.toEqual(first);
    }
  });
});

describe("configurations of encoders", () => {
  const base = () =>
    JSON.parse(readFileSync(path.join(folder ?? "", "config.json"), "utf8")) as Record<string, unknown>;

  it.skipIf(folder === undefined)("roberta counts positions from its padding id", () => {
    const source = { ...base(), architectures: ["RobertaModel"], model_type: "roberta", pad_token_id: 1 };
    expect(readModelConfig(source)).toMatchObject({
      kind: "encoder",
      positionOffset: 2,
      contextLength: 254,
    });
  });

  it.skipIf(folder === undefined).each([
    [{ hidden_act: "gelu_new" }, "ERR_UNSUPPORTED_FIELD", /hidden_act.*gelu_new/],
    [{ position_embedding_type: "relative_key" }, "ERR_UNSUPPORTED_FIELD", /relative_key/],
    [{ is_decoder: true }, "ERR_UNSUPPORTED_FIELD", /is_decoder/],
    [
      { architectures: ["NomicBertModel"], model_type: "nomic_bert" },
      "ERR_UNSUPPORTED_ARCHITECTURE",
      /NomicBert/,
    ],
    [
      { architectures: ["ModernBertModel"], model_type: "modernbert" },
      "ERR_UNSUPPORTED_ARCHITECTURE",
      /ModernBert/,
    ],
    [{ architectures: ["BertForTokenClassification"] }, "ERR_UNSUPPORTED_ARCHITECTURE", /TokenClass.*bert/],
    [{ num_attention_heads: 64 }, "ERR_INVALID_MODEL", /even/],
  ])("refuses %j", (change, code, message) => {
    expect(() => readModelConfig({ ...base(), ...change })).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});
