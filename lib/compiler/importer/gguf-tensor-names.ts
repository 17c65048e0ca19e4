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

/** The Hugging Face name of a GGUF tensor; a name that is not known stays as it is. */
export function huggingFaceName(name: string): string {
  const [, layer, part = "", kind] = /^(?:blk\.(\d+)\.)?([a-z_]+)\.(weight|bias)$/.exec(name) ?? [];
  const mapped = (layer === undefined ? TOP_LEVEL : IN_LAYER).get(part);
  if (mapped === undefined) return name;
  return layer === undefined ? `${mapped}.${kind}` : `model.layers.${layer}.${mapped}.${kind}`;
}
