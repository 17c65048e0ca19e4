/**
 * Writes a model of random weights at true shapes as a GGUF file, tensor by tensor:
 *
 *     npx tsx bench/gguf/random-gguf.ts MODEL SCHEME FILE
 *
 * The same model and scheme give the same bytes on every machine.
 */
import { closeSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { BLOCK_SIZES, ggmlDtype, type SourceDtype } from "../../lib/compiler/importer/ggml-types.js";
import { tensorBytes } from "../../lib/compiler/importer/source-tensor.js";
import { type WrittenValue, writeGguf } from "../../test/support/gguf-writer.js";
import { runProgram, wrongUsage } from "../program.js";
import { byteVocabulary } from "./byte-vocabulary.js";
import { MODEL_SHAPES, type ModelShape } from "./model-shapes.js";
import { randomBlocks, WordStream } from "./random-blocks.js";
import {
  FILE_TYPES,
  RANDOM_SCHEMES,
  type RandomScheme,
  type RandomTensor,
  randomTensors,
} from "./tensor-list.js";

const ALIGNMENT = 32;
const BIAS_DEVIATION = 0.02;
const align = (offset: number): number => Math.ceil(offset / ALIGNMENT) * ALIGNMENT;

/** Writes the file; it appears under its name only when it is whole. */
export function writeRandomGguf(file: string, name: string, shape: ModelShape, scheme: RandomScheme): void {
  const partial = `${file}.${process.pid}.partial`;
  try {
    const descriptor = openSync(partial, "w");
    try {
      for (const piece of filePieces(name, shape, scheme)) writeWhole(descriptor, piece);
    } finally {
      closeSync(descriptor);
    }
    renameSync(partial, file);
  } finally {
    rmSync(partial, { force: true });
  }
}

/** The bytes of the file in order; a piece is overwritten by the next one. */
export function* filePieces(name: string, shape: ModelShape, scheme: RandomScheme): Generator<Uint8Array> {
  const tensors = randomTensors(shape, scheme);
  yield header(metadata(name, shape, scheme), tensors);
  for (const [index, tensor] of tensors.entries()) {
    yield* tensorPieces(tensor, index);
    const bytes = tensorBytes(tensor.shape, tensor.dtype);
    yield new Uint8Array(align(bytes) - bytes);
  }
}

function header(
  values: Readonly<Record<string, WrittenValue>>,
  tensors: readonly RandomTensor[],
): Uint8Array {
  let end = 0;
  const places = tensors.map(({ name, shape, dtype }) => {
    const offset = end;
    end = align(offset + tensorBytes(shape, dtype));
    return { name, dimensions: shape.toReversed(), type: typeNumber(dtype), data: new Uint8Array(0), offset };
  });
  return writeGguf({ alignment: ALIGNMENT, metadata: values, tensors: places });
}

/** ggml's number of a type. */
function typeNumber(dtype: SourceDtype): number {
  let number = 0;
  while (ggmlDtype(number) !== dtype) number++;
  return number;
}

function metadata(name: string, shape: ModelShape, scheme: RandomScheme): Record<string, WrittenValue> {
  const { architecture, hidden, heads } = shape;
  const vocabulary = byteVocabulary(shape.vocabulary);
  return {
    "general.architecture": ["string", architecture],
    "general.name": ["string", `${name}, random weights`],
    "general.file_type": ["u32", FILE_TYPES[scheme]],
    "general.quantization_version": ["u32", 2],
    [`${architecture}.context_length`]: ["u32", 8192],
    [`${architecture}.embedding_length`]: ["u32", hidden],
    [`${architecture}.block_count`]: ["u32", shape.layers],
    [`${architecture}.feed_forward_length`]: ["u32", shape.feedForward],
    [`${architecture}.attention.head_count`]: ["u32", heads],
    [`${architecture}.attention.head_count_kv`]: ["u32", shape.kvHeads],
    [`${architecture}.attention.layer_norm_rms_epsilon`]: ["f32", shape.normEpsilon],
    [`${architecture}.rope.freq_base`]: ["f32", shape.ropeTheta],
    [`${architecture}.rope.dimension_count`]: ["u32", hidden / heads],
    [`${architecture}.vocab_size`]: ["u32", shape.vocabulary],
    "tokenizer.ggml.model": ["string", "gpt2"],
    "tokenizer.ggml.pre": ["string", shape.preTokenizer],
    "tokenizer.ggml.tokens": ["array", "string", vocabulary.tokens],
    "tokenizer.ggml.token_type": ["array", "i32", vocabulary.kinds],
    "tokenizer.ggml.merges": ["array", "string", vocabulary.merges],
    "tokenizer.ggml.bos_token_id": ["u32", vocabulary.bosTokenId],
    "tokenizer.ggml.eos_token_id": ["u32", vocabulary.eosTokenId],
  };
}

/** `seed` tells the tensors of a file apart. */
function* tensorPieces({ shape, dtype, content }: RandomTensor, seed: number): Generator<Uint8Array> {
  const values = shape.reduce((product, size) => product * size, 1);
  if (content === "matrix") yield* randomBlocks(dtype, values / BLOCK_SIZES[dtype].values, seed);
  else {
    const stream = new WordStream(seed);
    const draw = content === "ones" ? () => 1 : () => BIAS_DEVIATION * stream.normal();
    yield new Uint8Array(Float32Array.from({ length: values }, draw).buffer);
  }
}

function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}

runProgram(import.meta.url, (args) => {
  const [name = "", scheme, file] = args;
  const shape = (MODEL_SHAPES as Readonly<Record<string, ModelShape>>)[name];
  const known = RANDOM_SCHEMES.find((one) => one === scheme);
  if (shape === undefined || known === undefined || file === undefined)
    throw wrongUsage(`${Object.keys(MODEL_SHAPES).join("|")} ${RANDOM_SCHEMES.join("|")} FILE`, args);
  writeRandomGguf(file, name, shape, known);
  return 0;
});
