/** A tiny encoder of the BERT family with random weights: its tensors, and the Hugging Face folder that holds them. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Random } from "./random.js";
import type { EncoderShape } from "./reference/encoder.js";
import { floatBytes, writeSafetensors } from "./safetensors-writer.js";

/** Control tokens, words, and pieces that go on with a word. */
export const PIECES: readonly string[] = [
  ...["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
  ..."the cat sleeps on a sofa where does it sleep rain falls in spring play un rate rates rise . , ? ! é".split(
    " ",
  ),
  ..."##s ##ing ##ed ##happy ##er ##est ##ly ##un".split(" "),
];

export const TINY_BERT = {
  vocab: PIECES.length,
  hidden: 32,
  feedForward: 64,
  heads: 4,
  layers: 2,
  positions: 48,
  types: 2,
} as const;

/** A tensor of a checkpoint. */
export interface TinyTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface TinyBertOptions {
  /** "roberta" has a position table that begins behind its padding id, one kind of tokens and another head. Default "bert". */
  readonly family?: "bert" | "roberta";
  /** Logits of a classifier's head; absent: no head. */
  readonly labels?: number;
  readonly seed?: number;
}

const HEADS = {
  bert: { dense: "pooler.dense", output: "classifier" },
  roberta: { dense: "classifier.dense", output: "classifier.out_proj" },
} as const;

/** Roberta's padding id. */
const PADDING = 1;

/** A model: its configuration, its tensors under Hugging Face's names, and what the reference needs to know. */
export function tinyBert({ family = "bert", labels, seed = 7 }: TinyBertOptions = {}) {
  const { vocab, hidden, feedForward, heads, layers, positions, types } = TINY_BERT;
  const positionOffset = family === "roberta" ? PADDING + 1 : 0;
  const kinds = family === "roberta" ? 1 : types;
  const random = new Random(seed);
  const tensors = new Map<string, TinyTensor>();
  const prefix = labels === undefined ? "" : `${family}.`;
  const add = (name: string, shape: readonly number[], scale: number, middle = 0) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const data = random.floats(size, scale).map((value) => value + middle);
    tensors.set(name.startsWith("classifier") ? name : prefix + name, { shape, data });
  };
  const dense = (name: string, outputs: number, inputs: number) => {
    add(`${name}.weight`, [outputs, inputs], 1.5 / Math.sqrt(inputs));
    add(`${name}.bias`, [outputs], 0.2);
  };
  const norm = (name: string) => {
    add(`${name}.LayerNorm.weight`, [hidden], 0.2, 1);
    add(`${name}.LayerNorm.bias`, [hidden], 0.2);
  };
  add("embeddings.word_embeddings.weight", [vocab, hidden], 1);
  add("embeddings.position_embeddings.weight", [positions + positionOffset, hidden], 0.5);
  add("embeddings.token_type_embeddings.weight", [kinds, hidden], 0.7);
  norm("embeddings");
  for (let layer = 0; layer < layers; layer++) {
    const name = `encoder.layer.${layer}`;
    for (const part of ["query", "key", "value"]) dense(`${name}.attention.self.${part}`, hidden, hidden);
    dense(`${name}.attention.output.dense`, hidden, hidden);
    norm(`${name}.attention.output`);
    dense(`${name}.intermediate.dense`, feedForward, hidden);
    dense(`${name}.output.dense`, hidden, feedForward);
    norm(`${name}.output`);
  }
  const head = HEADS[family];
  if (labels !== undefined) {
    dense(head.dense, hidden, hidden);
    dense(head.output, labels, hidden);
  }
  const shape: EncoderShape = { hidden, heads, layers, positionOffset, epsilon: 1e-12 };
  const name = family === "roberta" ? "XLMRoberta" : "Bert";
  const config = {
    architectures: [`${name}${labels === undefined ? "Model" : "ForSequenceClassification"}`],
    model_type: family === "roberta" ? "xlm-roberta" : "bert",
    vocab_size: vocab,
    hidden_size: hidden,
    intermediate_size: feedForward,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    max_position_embeddings: positions + positionOffset,
    type_vocab_size: kinds,
    hidden_act: "gelu",
    layer_norm_eps: shape.epsilon,
    pad_token_id: family === "roberta" ? PADDING : 0,
    ...(labels === undefined
      ? {}
      : { id2label: Object.fromEntries(Array.from({ length: labels }, (_, i) => [i, `LABEL_${i}`])) }),
  };
  const weights = new Map([...tensors].map(([key, { data }]) => [key, data]));
  return { config, tensors, shape, weights, head };
}

/** Writes a model as a folder with a vocab.txt; `change` alters its config.json, `files` adds others. */
export function writeTinyBert(
  folder: string,
  { config, tensors }: ReturnType<typeof tinyBert>,
  change: object = {},
  files: Readonly<Record<string, object>> = {},
): string {
  mkdirSync(folder, { recursive: true });
  const entries = [...tensors].map(([name, { shape, data }]) => [
    name,
    { dtype: "F32", shape, data: floatBytes(data) },
  ]);
  writeFileSync(path.join(folder, "model.safetensors"), writeSafetensors(Object.fromEntries(entries)));
  writeFileSync(path.join(folder, "vocab.txt"), `${PIECES.join("\n")}\n`);
  const json = {
    "config.json": { ...config, ...change },
    "tokenizer_config.json": { do_lower_case: true },
    ...files,
  };
  for (const [name, content] of Object.entries(json))
    writeFileSync(path.join(folder, name), JSON.stringify(content));
  return folder;
}
