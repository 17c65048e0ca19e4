// The configuration of a model as Hugging Face's config.json says it; GGUF metadata is turned into the same form. It is checked here
// for the types of its fields only: what the values mean is the business of the architecture (models/).
import {
  type Described,
  either,
  flag,
  integer,
  list,
  nullish,
  number,
  openObject,
  text,
} from "../../schema.js";
import { malformed } from "./malformed-file.js";

const aboveZero = number({ min: Number.MIN_VALUE });
const count = nullish(integer({ min: 1 }));
const positive = nullish(aboveZero);
const tokenId = integer({ min: 0 });
const tokenIds = nullish(either(list(tokenId), tokenId));
const section = nullish(openObject({}));

const hfConfigSchema = openObject({
  model_type: nullish(text()),
  architectures: nullish(list(text())),
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count,
  head_dim: count,
  hidden_act: nullish(text()),
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
  rope_freq_factors: nullish(list(aboveZero)),
  tie_word_embeddings: nullish(flag()),
  attention_bias: nullish(flag()),
  mlp_bias: nullish(flag()),
  sliding_window: nullish(tokenId),
  use_sliding_window: nullish(flag()),
  bos_token_id: tokenIds,
  eos_token_id: tokenIds,
  pad_token_id: tokenIds,
});

/** A configuration in the form of config.json; keys not listed are kept as they are. */
export type HfConfig = Readonly<Described<typeof hfConfigSchema>>;

/** Checks a configuration. Errors: ERR_INVALID_MODEL naming the field. */
export function parseHfConfig(value: unknown, where: string): HfConfig {
  const [fault] = hfConfigSchema.faults(value);
  if (fault === undefined) return value as HfConfig;
  const received = fault.place.reduce<unknown>(memberOf, value);
  throw malformed(
    where,
    `a configuration with a valid "${fault.place.join(".")}" (${fault.message})`,
    received,
  );
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
