/** A tiny but complete llama-architecture GGUF for tests of the importer. */

import { MemorySource } from "../../lib/compiler/importer/byte-source.js";
import { importGguf } from "../../lib/compiler/importer/gguf-model.js";
import type { ImportedModel } from "../../lib/compiler/importer/imported-model.js";
import { type WrittenGguf, type WrittenTensor, type WrittenValue, writeGguf } from "./gguf-writer.js";
import { floatBytes } from "./safetensors-writer.js";

export const TINY = {
  vocab: 8,
  hidden: 32,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  feedForward: 64,
  layers: 1,
} as const;

const F32 = 0;

/** Float values of a tensor: its first element is `seed`, each next one larger by one. */
export function ramp(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, i) => seed + i);
}

/** A float32 tensor of rows and columns (or a vector where `columns` is 0). */
export function floatTensor(name: string, rows: number, columns: number, seed = 0): WrittenTensor {
  const count = rows * Math.max(columns, 1);
  const dimensions = columns === 0 ? [rows] : [columns, rows];
  return { name, dimensions, type: F32, data: floatBytes(ramp(count, seed)) };
}

export const tinyMetadata: Readonly<Record<string, WrittenValue>> = {
  "general.architecture": ["string", "llama"],
  "general.name": ["string", "Tiny"],
  "general.license": ["string", "apache-2.0"],
  "llama.block_count": ["u32", TINY.layers],
  "llama.context_length": ["u32", 128],
  "llama.embedding_length": ["u32", TINY.hidden],
  "llama.feed_forward_length": ["u32", TINY.feedForward],
  "llama.attention.head_count": ["u32", TINY.heads],
  "llama.attention.head_count_kv": ["u32", TINY.kvHeads],
  "llama.attention.layer_norm_rms_epsilon": ["f32", 1e-5],
  "llama.rope.freq_base": ["f32", 10000],
  "tokenizer.ggml.model": ["string", "gpt2"],
  "tokenizer.ggml.pre": ["string", "gpt-2"],
  "tokenizer.ggml.tokens": ["array", "string", ["a", "b", "ab", "c", "<s>", "</s>", "<|im_end|>", "d"]],
  "tokenizer.ggml.token_type": ["array", "i32", [1, 1, 1, 1, 3, 3, 3, 1]],
  "tokenizer.ggml.merges": ["array", "string", ["a b"]],
  "tokenizer.ggml.bos_token_id": ["u32", 4],
  "tokenizer.ggml.eos_token_id": ["u32", 5],
};

export const tinyTensors: readonly WrittenTensor[] = [
  floatTensor("token_embd.weight", TINY.vocab, TINY.hidden, 1),
  floatTensor("output_norm.weight", TINY.hidden, 0, 2),
  floatTensor("blk.0.attn_norm.weight", TINY.hidden, 0, 3),
  floatTensor("blk.0.attn_q.weight", TINY.heads * TINY.headDim, TINY.hidden, 4),
  floatTensor("blk.0.attn_k.weight", TINY.kvHeads * TINY.headDim, TINY.hidden, 5),
  floatTensor("blk.0.attn_v.weight", TINY.kvHeads * TINY.headDim, TINY.hidden, 6),
  floatTensor("blk.0.attn_output.weight", TINY.hidden, TINY.heads * TINY.headDim, 7),
  floatTensor("blk.0.ffn_norm.weight", TINY.hidden, 0, 8),
  floatTensor("blk.0.ffn_gate.weight", TINY.feedForward, TINY.hidden, 9),
  floatTensor("blk.0.ffn_up.weight", TINY.feedForward, TINY.hidden, 10),
  floatTensor("blk.0.ffn_down.weight", TINY.hidden, TINY.feedForward, 11),
];

export const tinyGguf: WrittenGguf = { metadata: tinyMetadata, tensors: tinyTensors };

/** Imports the bytes of a GGUF file that has one part. */
export function importBytes(bytes: Uint8Array): ImportedModel {
  return importGguf("tiny.gguf", (name) => new MemorySource(bytes, name));
}

/** Imports the tiny model with some of the file changed. */
export function importTiny(changes: Partial<WrittenGguf> = {}): ImportedModel {
  return importBytes(writeGguf({ ...tinyGguf, ...changes }));
}

/** The tiny metadata with one key changed, or without it. */
export function withKey(key: string, value: WrittenValue | undefined): Record<string, WrittenValue> {
  const { [key]: _, ...others } = tinyMetadata;
  return value === undefined ? others : { ...others, [key]: value };
}

/** The tiny tensors with one of them changed. */
export function replaced(name: string, change: Partial<WrittenTensor>): WrittenTensor[] {
  return tinyTensors.map((tensor) => (tensor.name === name ? { ...tensor, ...change } : tensor));
}
