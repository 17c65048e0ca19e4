// The configuration of a model as Hugging Face's config.json says it; GGUF metadata is turned into the same form. It is checked here
// for the types of its fields only: what the values mean is the business of the architecture (models/).
import { array, boolean, type InferOutput, nullish, string, union } from "valibot";
import { match, moreThanZero, openObject, wholeNumber } from "../../package/json-schema.js";
import { malformed } from "./malformed-file.js";

const count = nullish(wholeNumber(1));
const positive = nullish(moreThanZero);
const tokenId = wholeNumber(0);
const tokenIds = nullish(union([array(tokenId), tokenId]));
const section = nullish(openObject({}));

const hfConfigSchema = openObject({
  model_type: nullish(string()),
  architectures: nullish(array(string())),
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count,
  head_dim: count,
  hidden_act: nullish(string()),
  rms_norm_eps: positive,
  max_position_embeddings: count,
  /** Base of the rotary frequencies (transformers 4). */
  rope_theta: positive,
  rope_scaling: section,
  /** Base and scaling in one section (transformers 5). */
  rope_parameters: section,
  /**
   * Extension of this importer, GGUF only: divisors of the rotary frequencies, [head_dim / 2]. llama.cpp's converter stores the
   * llama3 scaling in this form (tensor rope_freqs.weight).
   */
  rope_freq_factors: nullish(array(moreThanZero)),
  tie_word_embeddings: nullish(boolean()),
  attention_bias: nullish(boolean()),
  mlp_bias: nullish(boolean()),
  sliding_window: nullish(wholeNumber(0)),
  use_sliding_window: nullish(boolean()),
  bos_token_id: tokenIds,
  eos_token_id: tokenIds,
  pad_token_id: tokenIds,
});

/** A configuration in the form of config.json; keys not listed are kept as they are. */
export type HfConfig = Readonly<InferOutput<typeof hfConfigSchema>>;

/** Checks a configuration. Errors: ERR_INVALID_MODEL naming the field. */
export function parseHfConfig(value: unknown, where: string): HfConfig {
  const matched = match(hfConfigSchema, value);
  if ("data" in matched) return matched.data;
  const [{ place, message, received }] = matched.faults;
  throw malformed(where, `a configuration with a valid "${place.join(".")}" (${message})`, received);
}
