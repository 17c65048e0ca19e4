// A GGUF file, or the parts of a split one, as an ImportedModel.
import path from "node:path";
import type { ByteSource, OpenBytes } from "./byte-source.js";
import { generationDefaults } from "./generation-config.js";
import { type GgufConvention, type GgufTensorFacts, ggufConfig, ggufConvention } from "./gguf-config.js";
import { type GgufFile, type GgufTensor, readGgufFile } from "./gguf-file.js";
import type { GgufMetadata } from "./gguf-metadata.js";
import { huggingFaceName } from "./gguf-tensor-names.js";
import { rebuildTokenizer } from "./gguf-tokenizer.js";
import type { HfConfig, ImportedModel, ModelSource, Pooling, SourceTensor } from "./imported-model.js";
import { malformed, unsupported } from "./malformed-file.js";
import { halfSplitRows } from "./rope-row-order.js";
import { FileTensor } from "./source-tensor.js";

/** llama3 scaling as divisors of the rotary frequencies; becomes part of the configuration. */
const ROPE_FACTORS = "rope_freqs.weight";

/**
 * Imports a GGUF file; of a split model the path of its first part.
 * Errors: ERR_MODEL_NOT_FOUND, ERR_IO, ERR_INVALID_MODEL, ERR_UNSUPPORTED_FORMAT, ERR_UNSUPPORTED_ARCHITECTURE.
 */
export function importGguf(file: string, open: OpenBytes): ImportedModel {
  const sources: ByteSource[] = [];
  const close = () => {
    for (const source of sources) source.close();
  };
  try {
    const { metadata, tensors } = readParts(file, (part) => {
      const source = open(part);
      sources.push(source);
      return source;
    });
    const convention = ggufConvention(metadata);
    const config = ggufConfig(metadata, tensorFacts(tensors));
    checkVocabulary(metadata, config);
    if (convention.encoder) requireWordPiece(metadata);
    return {
      config,
      tensors: canonicalTensors(tensors, config, convention),
      unsupportedTensors: new Map(),
      ...rebuildTokenizer(metadata),
      generation: samplingDefaults(metadata),
      ...embeddingOf(metadata),
      source: describeSource(file, metadata),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Reads the file and, of a split model, its other parts; metadata is that of the first. */
function readParts(file: string, open: (part: string) => ByteSource): GgufFile {
  const first = readGgufFile(open(file));
  const count = first.metadata.natural("split.count") ?? 0;
  if (count < 2) return first;
  const number = first.metadata.natural("split.no") ?? 0;
  const [, stem] = /^(.*)-\d{5}-of-\d{5}\.gguf$/.exec(file) ?? [];
  if (number !== 0 || stem === undefined || count > 99999)
    throw malformed(
      file,
      "the first part (name-00001-of-0000N.gguf) of a split model",
      `part ${number + 1} of ${count}`,
    );
  const tensors = [...first.tensors];
  for (let part = 2; part <= count; part++) {
    const name = `${stem}-${String(part).padStart(5, "0")}-of-${String(count).padStart(5, "0")}.gguf`;
    const { metadata, tensors: more } = readGgufFile(open(name));
    if (metadata.natural("split.no") !== part - 1)
      throw malformed(name, `part ${part} of ${count}`, `split.no ${metadata.natural("split.no")}`);
    for (const tensor of more) tensors.push(tensor);
  }
  const expected = first.metadata.natural("split.tensors.count");
  if (expected !== undefined && expected !== tensors.length)
    throw malformed(file, `${expected} tensors in all parts`, tensors.length);
  return { metadata: first.metadata, tensors };
}

/** A token without an embedding would be read from beyond the table. */
function checkVocabulary(metadata: GgufMetadata, config: HfConfig): void {
  const tokens = metadata.texts("tokenizer.ggml.tokens")?.length ?? 0;
  const rows = config.vocab_size ?? 0;
  if (tokens > rows)
    throw malformed(
      `${metadata.where}, key tokenizer.ggml.tokens`,
      `at most ${rows} tokens, one per embedding`,
      tokens,
    );
}

/** llama.cpp's architecture of BERT covers RoBERTa, whose tokenizers these files do not describe in full. */
function requireWordPiece(metadata: GgufMetadata): void {
  const key = "tokenizer.ggml.model";
  const kind = metadata.text(key) ?? "none";
  if (!["bert", "none", "no_vocab"].includes(kind))
    throw unsupported(
      `${metadata.where}, key ${key}`,
      'the tokenizer "bert" of an encoder',
      kind,
      "compile the Hugging Face folder of this model",
    );
}

function tensorFacts(tensors: readonly GgufTensor[]): GgufTensorFacts {
  const names = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const factors = names.get(ROPE_FACTORS);
  return {
    vocabSize: names.get("token_embd.weight")?.shape[0],
    tokenTypes: names.get("token_types.weight")?.shape[0],
    hasOutputHead: names.has("output.weight"),
    hasAttentionBias: ["q", "k", "v", "output"].some((part) => names.has(`blk.0.attn_${part}.bias`)),
    hasFeedForwardBias: ["gate", "up", "down"].some((part) => names.has(`blk.0.ffn_${part}.bias`)),
    ropeFrequencyFactors: factors === undefined ? undefined : ropeFactors(factors),
  };
}

function ropeFactors(tensor: GgufTensor): number[] {
  const [size = 0] = tensor.shape;
  if (tensor.shape.length !== 1 || size > 4096)
    throw malformed(
      `${tensor.source.name}, tensor ${tensor.name}`,
      "a vector of at most 4096 factors",
      tensor.shape,
    );
  return Array.from(new FileTensor(tensor).readRows(0, size));
}

function canonicalTensors(
  tensors: readonly GgufTensor[],
  config: HfConfig,
  { interleavedRope, encoder }: GgufConvention,
): ReadonlyMap<string, SourceTensor> {
  const canonical = new Map<string, SourceTensor>();
  for (const tensor of tensors) {
    if (tensor.name === ROPE_FACTORS) continue;
    const name = huggingFaceName(tensor.name, { encoder: encoder === true });
    if (canonical.has(name))
      throw malformed(`${tensor.source.name}, tensor ${tensor.name}`, "each tensor once", name);
    const heads = interleavedRope ? rotatedHeads(name, config) : undefined;
    const rowOrder = heads === undefined ? {} : { rowOrder: rowsOf(tensor, heads) };
    canonical.set(name, new FileTensor({ ...tensor, name, ...rowOrder }));
  }
  return canonical;
}

/** Heads of a tensor whose rows llama.cpp reordered, or undefined. */
function rotatedHeads(name: string, config: HfConfig): number | undefined {
  if (/\.self_attn\.q_proj\.(weight|bias)$/.test(name)) return config.num_attention_heads ?? undefined;
  if (/\.self_attn\.k_proj\.(weight|bias)$/.test(name)) return config.num_key_value_heads ?? undefined;
  return undefined;
}

function rowsOf(tensor: GgufTensor, heads: number): Uint32Array {
  const [rows = 0] = tensor.shape;
  if (tensor.shape.length > 2 || rows % (2 * heads) !== 0)
    throw malformed(
      `${tensor.source.name}, tensor ${tensor.name}`,
      `an even number of rows for each of ${heads} heads`,
      tensor.shape,
    );
  return halfSplitRows(rows, heads);
}

/** llama.cpp's pooling types: none, mean, cls and last. */
const POOLINGS: readonly (Pooling | undefined)[] = [undefined, "mean", "cls", "last"];

/** A file of no pooling, or without the key, says nothing of embeddings. */
function embeddingOf(metadata: GgufMetadata): Pick<ImportedModel, "embedding"> {
  const key = `${metadata.text("general.architecture")}.pooling_type`;
  const type = metadata.natural(key) ?? 0;
  if (type >= POOLINGS.length)
    throw unsupported(
      `${metadata.where}, key ${key}`,
      "a pooling of mean (1), cls (2) or last (3)",
      type,
      "of models that score pairs of texts compile the Hugging Face folder",
    );
  const pooling = POOLINGS[type];
  return pooling === undefined ? {} : { embedding: { pooling } };
}

function samplingDefaults(metadata: GgufMetadata) {
  return generationDefaults({
    temperature: metadata.number("general.sampling.temp"),
    top_p: metadata.number("general.sampling.top_p"),
    top_k: metadata.number("general.sampling.top_k"),
    repetition_penalty: metadata.number("general.sampling.penalty_repeat"),
  });
}

function describeSource(file: string, metadata: GgufMetadata): ModelSource {
  const license = metadata.text("general.license");
  return {
    kind: "gguf",
    path: path.resolve(file),
    name: metadata.text("general.name") || path.basename(file, path.extname(file)),
    ...(license ? { license } : {}),
    licenseFiles: [],
  };
}
