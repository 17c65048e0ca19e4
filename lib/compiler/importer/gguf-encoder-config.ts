// The metadata of an encoder's GGUF file (llama.cpp's architecture "bert") as a Hugging Face configuration.
import { MlcError } from "../../errors.js";
import type { HyperparameterReader } from "./gguf-hyperparameters.js";
import { ggufTokenIds } from "./gguf-token-ids.js";
import { type HfConfig, parseHfConfig } from "./hf-config.js";

/** Facts of an encoder's tensors. */
export interface EncoderFacts {
  /** Rows of the token embedding. */
  readonly vocabSize: number | undefined;
  /** Rows of the table of token types. */
  readonly tokenTypes: number | undefined;
}

/**
 * The configuration of an encoder. llama.cpp computes GELU for the architecture and leaves out the rows of the position table that
 * no token has, so roberta's offset is 0 here.
 * Errors: ERR_INVALID_MODEL for missing keys, ERR_UNSUPPORTED_ARCHITECTURE for variants.
 */
export function ggufEncoderConfig(
  reader: HyperparameterReader,
  modelType: string,
  { vocabSize, tokenTypes }: EncoderFacts,
): HfConfig {
  const { metadata } = reader;
  refuseCausal(reader);
  reader.refuse("expert_count", (value) => value > 0);
  const config = {
    model_type: modelType,
    vocab_size: vocabSize ?? reader.count("vocab_size"),
    hidden_size: reader.required("embedding_length"),
    intermediate_size: reader.required("feed_forward_length"),
    num_hidden_layers: reader.required("block_count"),
    num_attention_heads: reader.required("attention.head_count"),
    hidden_act: "gelu",
    layer_norm_eps: reader.requiredNumber("attention.layer_norm_epsilon"),
    max_position_embeddings: reader.required("context_length"),
    type_vocab_size: tokenTypes ?? metadata.natural("tokenizer.ggml.token_type_count"),
    ...ggufTokenIds(metadata),
  };
  return parseHfConfig(config, `${metadata.where} (metadata)`);
}

function refuseCausal(reader: HyperparameterReader): void {
  const { metadata } = reader;
  const name = reader.key("attention.causal");
  if (metadata.flag(name) === true)
    throw new MlcError(
      "ERR_UNSUPPORTED_ARCHITECTURE",
      `Expected an encoder whose tokens see the whole text in ${metadata.where} but received ${name} = true: this variant is not implemented.`,
    );
}
