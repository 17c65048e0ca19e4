/** The tiny encoder as llama.cpp's converter writes it. */
import { TokenKind } from "../../lib/compiler/importer/gguf-vocabulary.js";
import type { WrittenGguf, WrittenTensor, WrittenValue } from "./gguf-writer.js";
import { floatBytes } from "./safetensors-writer.js";
import { PIECES, TINY_BERT, type tinyBert } from "./tiny-bert.js";

const F32 = 0;

/** Beginnings of names in the folder and in the file. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^embeddings\.word_embeddings\./, "token_embd."],
  [/^embeddings\.position_embeddings\./, "position_embd."],
  [/^embeddings\.token_type_embeddings\./, "token_types."],
  [/^embeddings\.LayerNorm\./, "token_embd_norm."],
  [/^encoder\.layer\.(\d+)\.attention\.self\.query\./, "blk.$1.attn_q."],
  [/^encoder\.layer\.(\d+)\.attention\.self\.key\./, "blk.$1.attn_k."],
  [/^encoder\.layer\.(\d+)\.attention\.self\.value\./, "blk.$1.attn_v."],
  [/^encoder\.layer\.(\d+)\.attention\.output\.dense\./, "blk.$1.attn_output."],
  [/^encoder\.layer\.(\d+)\.attention\.output\.LayerNorm\./, "blk.$1.attn_output_norm."],
  [/^encoder\.layer\.(\d+)\.intermediate\.dense\./, "blk.$1.ffn_up."],
  [/^encoder\.layer\.(\d+)\.output\.dense\./, "blk.$1.ffn_down."],
  [/^encoder\.layer\.(\d+)\.output\.LayerNorm\./, "blk.$1.layer_output_norm."],
];

const CONTROL: readonly string[] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const isControl = (piece: string) => CONTROL.includes(piece);

/** "▁" before what begins a word, nothing before what goes on with one. */
function phantom(piece: string): string {
  if (isControl(piece)) return piece;
  return piece.startsWith("##") ? piece.slice(2) : `▁${piece}`;
}

/** Keys of the vocabulary alone. */
export function wordPieceMetadata(pieces: readonly string[] = PIECES): Record<string, WrittenValue> {
  const kinds = pieces.map((piece) => (isControl(piece) ? TokenKind.control : TokenKind.normal));
  const id = (piece: string): WrittenValue => ["u32", pieces.indexOf(piece)];
  return {
    "tokenizer.ggml.model": ["string", "bert"],
    "tokenizer.ggml.pre": ["string", "jina-v2-en"],
    "tokenizer.ggml.token_type_count": ["u32", TINY_BERT.types],
    "tokenizer.ggml.tokens": ["array", "string", pieces.map(phantom)],
    "tokenizer.ggml.token_type": ["array", "i32", kinds],
    "tokenizer.ggml.unknown_token_id": id("[UNK]"),
    "tokenizer.ggml.seperator_token_id": id("[SEP]"),
    "tokenizer.ggml.padding_token_id": id("[PAD]"),
    "tokenizer.ggml.cls_token_id": id("[CLS]"),
    "tokenizer.ggml.mask_token_id": id("[MASK]"),
  };
}

/** The file of a model without a head. */
export function tinyBertGguf({ tensors, shape }: ReturnType<typeof tinyBert>): WrittenGguf {
  const { positions, hidden, feedForward, layers, heads } = TINY_BERT;
  const written = [...tensors].map(([name, { shape: extents, data }]): WrittenTensor => {
    const [from, to] = NAMES.find(([pattern]) => pattern.test(name)) ?? [];
    if (from === undefined || to === undefined) throw new Error(`no name for ${name}`);
    return {
      name: name.replace(from, to),
      dimensions: [...extents].reverse(),
      type: F32,
      data: floatBytes(data),
    };
  });
  return {
    metadata: {
      "general.architecture": ["string", "bert"],
      "general.name": ["string", "Tiny BERT"],
      "bert.block_count": ["u32", layers],
      "bert.context_length": ["u32", positions],
      "bert.embedding_length": ["u32", hidden],
      "bert.feed_forward_length": ["u32", feedForward],
      "bert.attention.head_count": ["u32", heads],
      "bert.attention.layer_norm_epsilon": ["f32", shape.epsilon],
      "bert.attention.causal": ["bool", false],
      "bert.pooling_type": ["u32", 1],
      ...wordPieceMetadata(),
    },
    tensors: written,
  };
}
