// llama.cpp's tensor names to Hugging Face's (gguf-py tensor_mapping.py lists the same pairs).

const TOP_LEVEL: ReadonlyMap<string, string> = new Map([
  ["token_embd", "model.embed_tokens"],
  ["output_norm", "model.norm"],
  ["output", "lm_head"],
]);

const IN_LAYER: ReadonlyMap<string, string> = new Map([
  ["attn_norm", "input_layernorm"],
  ["attn_q", "self_attn.q_proj"],
  ["attn_k", "self_attn.k_proj"],
  ["attn_v", "self_attn.v_proj"],
  ["attn_output", "self_attn.o_proj"],
  ["attn_q_norm", "self_attn.q_norm"],
  ["attn_k_norm", "self_attn.k_norm"],
  ["ffn_norm", "post_attention_layernorm"],
  ["ffn_gate", "mlp.gate_proj"],
  ["ffn_up", "mlp.up_proj"],
  ["ffn_down", "mlp.down_proj"],
]);

/** Names of an encoder's tensors, in transformers' BertModel. */
const ENCODER_TOP_LEVEL: ReadonlyMap<string, string> = new Map([
  ["token_embd", "embeddings.word_embeddings"],
  ["position_embd", "embeddings.position_embeddings"],
  ["token_types", "embeddings.token_type_embeddings"],
  ["token_embd_norm", "embeddings.LayerNorm"],
]);

const IN_ENCODER_LAYER: ReadonlyMap<string, string> = new Map([
  ["attn_q", "attention.self.query"],
  ["attn_k", "attention.self.key"],
  ["attn_v", "attention.self.value"],
  ["attn_output", "attention.output.dense"],
  ["attn_output_norm", "attention.output.LayerNorm"],
  ["ffn_up", "intermediate.dense"],
  ["ffn_down", "output.dense"],
  ["layer_output_norm", "output.LayerNorm"],
]);

const DECODER = { top: TOP_LEVEL, layer: IN_LAYER, layers: "model.layers" };
const ENCODER = { top: ENCODER_TOP_LEVEL, layer: IN_ENCODER_LAYER, layers: "encoder.layer" };

/** The Hugging Face name of a GGUF tensor; a name that is not known stays as it is. */
export function huggingFaceName(
  name: string,
  { encoder = false }: { readonly encoder?: boolean } = {},
): string {
  const names = encoder ? ENCODER : DECODER;
  const [, layer, part = "", kind] = /^(?:blk\.(\d+)\.)?([a-z_]+)\.(weight|bias)$/.exec(name) ?? [];
  const mapped = (layer === undefined ? names.top : names.layer).get(part);
  if (mapped === undefined) return name;
  return layer === undefined ? `${mapped}.${kind}` : `${names.layers}.${layer}.${mapped}.${kind}`;
}
