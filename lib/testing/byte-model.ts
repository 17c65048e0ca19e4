/** A tiny model that is not there: a byte-level tokenizer, a chat template and a manifest. */
import { formatVersion } from "../package/format-version.js";
import { checkManifest, type Manifest } from "../package/manifest.js";
import { Tokenizer } from "../tokenizer/tokenizer.js";

/** Ids of the vocabulary: 0 to 255 are bytes. */
export const START = 256;
export const END = 257;
export const VOCABULARY = 260;
/** Numbers of an embedding. */
export const HIDDEN = 64;

/** A byte-level tokenizer of 256 bytes and two control tokens, or more; `parts`: more of its tokenizer.json. */
export function byteTokenizer(
  more: readonly { id: number; content: string; special: boolean }[] = [],
  parts: object = {},
): Tokenizer {
  const vocab: Record<string, number> = {};
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    vocab[String.fromCharCode(printable ? byte : next++)] = byte;
  }
  return new Tokenizer({
    model: { type: "BPE", vocab, merges: [] },
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    decoder: { type: "ByteLevel" },
    added_tokens: [
      { id: START, content: "<|start|>", special: true },
      { id: END, content: "<|end|>", special: true },
      ...more,
    ],
    ...parts,
  });
}

/** The template of its chats. */
export const TEMPLATE =
  "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|start|>assistant\n{% endif %}";

/** A manifest of a tiny model; `change` may alter parts of it. */
export function byteManifest(change: Partial<Manifest> = {}): Manifest {
  const digest = { bytes: 64, sha256: "0".repeat(64) };
  const pageBytes = 16 * 4 * 2 * 4;
  return checkManifest({
    format: "node-mlc-package",
    version: formatVersion(change),
    generator: "test",
    tvm: { runtime: "0", ffi: "0" },
    model: {
      architecture: "llama",
      name: "fake",
      hiddenSize: HIDDEN,
      intermediateSize: 4,
      layers: 1,
      attentionHeads: 1,
      keyValueHeads: 1,
      headDim: 4,
      vocabSize: VOCABULARY,
      contextLength: 256,
    },
    quantization: "q0f32",
    activations: "int8",
    limits: { contextLength: 256, maxBatch: 4, prefillChunk: 64, pageSize: 16 },
    kvCache: { dtype: "float32", bytesPerToken: pageBytes / 16, pageBytes },
    libraries: [
      {
        name: "generic",
        target: {
          kind: "llvm",
          triple: "x86_64-unknown-linux-gnu",
          cpu: "generic",
          vectorBits: 128,
          features: [],
        },
        file: "model.so",
        functions: ["embed", "decode", "batch_decode", "batch_prefill", "encode"].map((name) => ({
          name,
          temporaryBytes: 0,
        })),
      },
    ],
    weights: {
      shards: [{ file: "weights.bin", bytes: 64 }],
      params: [
        {
          name: "w",
          shape: [4],
          format: "vector",
          packedShape: [4],
          dtype: "float32",
          shard: 0,
          offset: 0,
          bytes: 16,
        },
      ],
      totalBytes: 64,
    },
    memory: { weights: 64, temporaries: 0 },
    tokenizer: { files: ["tokenizer.json"], eosTokenIds: [END], addBos: false },
    generation: {},
    source: { kind: "huggingface", name: "fake" },
    licence: { files: [] },
    files: { "model.so": digest, "weights.bin": digest, "tokenizer.json": digest },
    ...change,
  });
}
