import { expect, test } from "vitest";
import type { SourceTensor } from "../../lib/compiler/importer/imported-model.js";
import type { DecoderConfig } from "../../lib/compiler/models/decoder-config.js";
import { decoderParameters, ROPE_FREQUENCIES } from "../../lib/compiler/models/parameters.js";
import { packedParameters } from "../../lib/compiler/nn/decoder-spec.js";
import { quantizationScheme } from "../../lib/compiler/quantization/registry.js";
import { chooseFormats } from "../../lib/compiler/weight-plan.js";
import { floatTensor, ggmlTensor, randomWeights } from "./quantization/source-tensor-fixture.js";

const config: DecoderConfig = {
  architecture: "llama",
  vocabSize: 96,
  hiddenSize: 64,
  intermediateSize: 128,
  layers: 3,
  attentionHeads: 2,
  keyValueHeads: 1,
  headDim: 32,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  contextLength: 128,
  tieWordEmbeddings: true,
  qkvBias: false,
  qkNorm: false,
  eosTokenIds: [],
};

/** A float16 source, of which some tensors are others. */
function plan(shape: DecoderConfig, others: readonly SourceTensor[] = []) {
  const tensors = new Map<string, SourceTensor>();
  for (const { name, shape: size } of decoderParameters(shape)) {
    const count = size.reduce((product, length) => product * length, 1);
    if (name !== ROPE_FREQUENCIES)
      tensors.set(name, floatTensor(size, randomWeights(count, tensors.size), "f16", name));
  }
  for (const tensor of others) tensors.set(tensor.name, tensor);
  const imported = {
    config: {},
    tensors,
    unsupportedTensors: new Map<string, string>(),
    tokenizer: {},
    addBos: false,
    generation: {},
    source: { kind: "huggingface", path: "model", name: "model", licenseFiles: [] },
    close: () => {},
  } as const;
  return chooseFormats({ imported, config: shape }, quantizationScheme("keep"));
}

/** Names of the gate and up projections. */
const feedForward = (names: readonly string[]) => names.filter((name) => /gate|up_/.test(name));

test("gate and up projection of one type are one parameter, of two types two", () => {
  const name = "model.layers.1.mlp.up_proj.weight";
  const { parameters, formats } = plan(config, [{ ...ggmlTensor([128, 64], "q4_0", 1), name }]);
  const expected = [
    "model.layers.0.mlp.gate_up_proj.weight",
    "model.layers.1.mlp.gate_proj.weight",
    name,
    "model.layers.2.mlp.gate_up_proj.weight",
  ];
  expect(feedForward(parameters.map((parameter) => parameter.name))).toEqual(expected);
  // The network is built from the formats alone, and sees the same list.
  const built = packedParameters({ config, formats });
  expect(built.map((parameter) => parameter.name)).toEqual(parameters.map((parameter) => parameter.name));
  expect(expected.map((each) => formats.get(each))).toEqual(["f16", "f16", "q4_0", "f16"]);
  const [both] = parameters.filter((parameter) => parameter.alternates !== undefined);
  expect(both?.shape).toEqual([256, 64]);
});

test("incomplete row blocks stay apart", () => {
  const { parameters } = plan({ ...config, intermediateSize: 120, layers: 1 });
  expect(feedForward(parameters.map(({ name }) => name))).toEqual([
    "model.layers.0.mlp.gate_proj.weight",
    "model.layers.0.mlp.up_proj.weight",
  ]);
});
