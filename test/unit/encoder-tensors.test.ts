import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  encoderParameters,
  POSITION_TABLE,
  TYPE_TABLE,
} from "../../lib/compiler/models/encoder-parameters.js";
import { isEncoder } from "../../lib/compiler/models/model-config.js";
import { openSourceModel, parameterSource } from "../../lib/compiler/source-model.js";
import { floatBytes, writeSafetensors } from "../support/safetensors-writer.js";

const root = mkdtempSync(path.join(tmpdir(), "encoder-tensors-"));
afterAll(() => rmSync(root, { recursive: true }));

const HIDDEN = 4;
const bert = {
  architectures: ["BertModel"],
  model_type: "bert",
  vocab_size: 3,
  hidden_size: HIDDEN,
  intermediate_size: 6,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  max_position_embeddings: 5,
  type_vocab_size: 2,
};
const roberta = {
  ...bert,
  architectures: ["XLMRobertaModel"],
  model_type: "xlm-roberta",
  pad_token_id: 1,
  type_vocab_size: 1,
};

type Config = typeof bert & { readonly id2label?: Readonly<Record<number, string>> };

/** A checkpoint whose tensors hold 0, 1, 2, ... under names that `rename` chooses; undefined leaves a tensor out. */
async function checkpoint(config: Config, rename: (name: string) => string | undefined) {
  const folder = mkdtempSync(path.join(root, "m-"));
  writeFileSync(path.join(folder, "config.json"), JSON.stringify(config));
  const positions = config.max_position_embeddings;
  const shapes: [string, readonly number[]][] = [
    ["embeddings.word_embeddings.weight", [3, HIDDEN]],
    ["embeddings.position_embeddings.weight", [positions, HIDDEN]],
    ["embeddings.token_type_embeddings.weight", [config.type_vocab_size, HIDDEN]],
    ["pooler.dense.weight", [HIDDEN, HIDDEN]],
    ["pooler.dense.bias", [HIDDEN]],
    ["classifier.weight", [1, HIDDEN]],
    ["classifier.bias", [1]],
  ];
  const dense = (name: string, outputs: number, inputs: number): [string, readonly number[]][] => [
    [`${name}.weight`, [outputs, inputs]],
    [`${name}.bias`, [outputs]],
  ];
  const norm = (name: string): [string, readonly number[]][] => [
    [`${name}.LayerNorm.weight`, [HIDDEN]],
    [`${name}.LayerNorm.bias`, [HIDDEN]],
  ];
  const layer = "encoder.layer.0";
  shapes.push(...norm("embeddings"), ...norm(`${layer}.attention.output`), ...norm(`${layer}.output`));
  for (const part of ["self.query", "self.key", "self.value", "output.dense"])
    shapes.push(...dense(`${layer}.attention.${part}`, HIDDEN, HIDDEN));
  shapes.push(
    ...dense(`${layer}.intermediate.dense`, 6, HIDDEN),
    ...dense(`${layer}.output.dense`, HIDDEN, 6),
  );
  const named = shapes.flatMap(([name, shape]) => {
    const to = rename(name);
    const size = shape.reduce((product, length) => product * length, 1);
    const data = floatBytes(Array.from({ length: size }, (_, i) => i));
    return to === undefined ? [] : [[to, { dtype: "F32", shape: [...shape], data }] as const];
  });
  writeFileSync(path.join(folder, "model.safetensors"), writeSafetensors(Object.fromEntries(named)));
  return openSourceModel(folder);
}

async function values(config: Config, rename: (name: string) => string | undefined) {
  const model = await checkpoint(config, rename);
  try {
    if (!isEncoder(model.config)) throw new Error("expected an encoder");
    return new Map(
      encoderParameters(model.config).map((parameter) => {
        const tensor = parameterSource(model, parameter);
        expect(tensor).toMatchObject({ name: parameter.name, shape: parameter.shape });
        return [parameter.name, [...tensor.readRows(0, parameter.shape[0] ?? 0)]];
      }),
    );
  } finally {
    model.imported.close();
  }
}

describe("the tensors of an encoder", () => {
  it("are found with a class's prefix and under the names TensorFlow had", async () => {
    const plain = await values(bert, (name) => name);
    const older = (name: string) =>
      `bert.${name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")}`;
    expect(await values(bert, older)).toEqual(plain);
    expect(plain.size).toBe(4 + 16);
  });

  it("are the same without a pooler", async () => {
    const all = await values(bert, (name) => name);
    expect(await values(bert, (name) => (name.startsWith("pooler") ? undefined : name))).toEqual(all);
  });

  it("positions hold token type 0, and begin behind roberta's padding id", async () => {
    const table = (first: number, rows: number) =>
      Array.from({ length: rows * HIDDEN }, (_, i) => first * HIDDEN + i + (i % HIDDEN));
    expect((await values(bert, (name) => name)).get(POSITION_TABLE)).toEqual(table(0, 5));
    expect((await values(roberta, (name) => `roberta.${name}`)).get(POSITION_TABLE)).toEqual(table(2, 3));
  });

  it("of a classifier hold its head, and what another type than 0 adds", async () => {
    const classifier = {
      ...bert,
      architectures: ["BertForSequenceClassification"],
      id2label: { 0: "match" },
    };
    const prefixed = (name: string) => (name.startsWith("classifier") ? name : `bert.${name}`);
    const tensors = await values(classifier, prefixed);
    expect(tensors.get(TYPE_TABLE)).toEqual([0, 0, 0, 0, HIDDEN, HIDDEN, HIDDEN, HIDDEN]);
    expect([...tensors.keys()].slice(-4)).toEqual([
      "pooler.dense.weight",
      "pooler.dense.bias",
      "classifier.weight",
      "classifier.bias",
    ]);
    await expect(values({ ...classifier, id2label: { 0: "no", 1: "yes" } }, prefixed)).rejects.toMatchObject({
      code: "ERR_INVALID_MODEL",
      message: expect.stringMatching(/\[2, 4\] for the tensor classifier.weight/),
    });
  });

  it("a missing one is named", async () => {
    const missing = "encoder.layer.0.output.dense.bias";
    await expect(values(bert, (name) => (name === missing ? undefined : name))).rejects.toMatchObject({
      code: "ERR_MISSING_TENSOR",
      message: expect.stringContaining(missing),
    });
  });
});
