// BERT and RoBERTa (also XLM-RoBERTa): one network, with or without a classifier; RoBERTa's position table begins behind its padding id.
import { MlcError } from "../../errors.js";
import type { Architecture, HuggingFaceConfig } from "./architecture.js";
import { readClassifier } from "./classifier-config.js";
import type { EncoderConfig, EncoderName } from "./encoder-config.js";
import { expectValue, readCount, readNumber, readTokenIds } from "./hugging-face-config.js";

export const bert: Architecture<EncoderConfig> = {
  name: "bert",
  modelTypes: ["bert"],
  classNames: ["BertModel", "BertForSequenceClassification"],
  fromHuggingFace: (config) => readEncoder(config, "bert", 0),
};

export const roberta: Architecture<EncoderConfig> = {
  name: "roberta",
  modelTypes: ["roberta", "xlm-roberta", "camembert"],
  classNames: ["Roberta", "XLMRoberta", "Camembert"].flatMap((name) => [
    `${name}Model`,
    `${name}ForSequenceClassification`,
  ]),
  fromHuggingFace(config) {
    const [padding = 1] = readTokenIds(config, "pad_token_id");
    return readEncoder(config, "roberta", padding + 1);
  },
};

function readEncoder(config: HuggingFaceConfig, architecture: EncoderName, positionOffset: number) {
  expectValue(config, "hidden_act", "gelu");
  expectValue(config, "position_embedding_type", "absolute");
  expectValue(config, "is_decoder", false);
  expectValue(config, "add_cross_attention", false);
  const attentionHeads = readCount(config, "num_attention_heads");
  const hiddenSize = readCount(config, "hidden_size");
  const headDim = hiddenSize / attentionHeads;
  const positions = readCount(config, "max_position_embeddings");
  if (headDim % 2 !== 0) throw invalid("an even hidden_size / num_attention_heads", headDim);
  if (positions <= positionOffset)
    throw invalid(`more than ${positionOffset} max_position_embeddings`, positions);
  const [bosTokenId] = readTokenIds(config, "bos_token_id");
  const [padTokenId] = readTokenIds(config, "pad_token_id");
  const classifier = readClassifier(config);
  return {
    kind: "encoder",
    architecture,
    vocabSize: readCount(config, "vocab_size"),
    hiddenSize,
    intermediateSize: readCount(config, "intermediate_size"),
    layers: readCount(config, "num_hidden_layers"),
    attentionHeads,
    keyValueHeads: attentionHeads,
    headDim,
    layerNormEps: readNumber(config, "layer_norm_eps", 1e-12),
    positionOffset,
    tokenTypes: readCount(config, "type_vocab_size", architecture === "bert" ? 2 : 1),
    ...(classifier === undefined ? {} : { classifier }),
    contextLength: positions - positionOffset,
    ...(bosTokenId === undefined ? {} : { bosTokenId }),
    eosTokenIds: readTokenIds(config, "eos_token_id"),
    ...(padTokenId === undefined ? {} : { padTokenId }),
  } satisfies EncoderConfig;
}

function invalid(expected: string, received: number): MlcError {
  return new MlcError("ERR_INVALID_MODEL", `Expected ${expected} in config.json but received ${received}.`);
}
