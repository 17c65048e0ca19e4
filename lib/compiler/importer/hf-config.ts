// The configuration of a model as Hugging Face's config.json says it; GGUF metadata is turned into the same form. It is checked here
// for the types of its fields only: what the values mean is the business of the architecture (models/).
import { z } from "zod";
import { malformed } from "./malformed-file.js";

const count = z.int().min(1).nullish();
const positive = z.number().positive().nullish();
const tokenIds = z.union([z.int().min(0), z.array(z.int().min(0))]).nullish();
const section = z.looseObject({}).nullish();

const hfConfigSchema = z.looseObject({
  model_type: z.string().nullish(),
  architectures: z.array(z.string()).nullish(),
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count,
  head_dim: count,
  hidden_act: z.string().nullish(),
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
  rope_freq_factors: z.array(z.number().positive()).nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  sliding_window: z.int().min(0).nullish(),
  use_sliding_window: z.boolean().nullish(),
  bos_token_id: tokenIds,
  eos_token_id: tokenIds,
  pad_token_id: tokenIds,
});

/** A configuration in the form of config.json; keys not listed are kept as they are. */
export type HfConfig = Readonly<z.infer<typeof hfConfigSchema>>;

/** Checks a configuration. Errors: ERR_INVALID_MODEL naming the field. */
export function parseHfConfig(value: unknown, where: string): HfConfig {
  const result = hfConfigSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.join(".") ?? "";
  const received = issue?.path.reduce<unknown>(memberOf, value);
  throw malformed(
    where,
    `a configuration with a valid "${field}" (${issue?.message ?? "unknown fault"})`,
    received,
  );
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
