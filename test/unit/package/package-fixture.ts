import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type ManifestDraft, PackageWriter } from "../../../lib/package/package-writer.js";
import { type ParamSpec, paramLayout } from "../../../lib/package/weight-shards.js";

/** A fresh folder for one test file's packages. */
export function temporaryFolder(): Promise<string> {
  return mkdtemp(path.join(tmpdir(), "node-mlc-package-"));
}

/** Parameters of the fixture: a vector, a float matrix and quantised ones, sizes that need padding between them. */
export const PARAMS: readonly ParamSpec[] = [
  { name: "model.norm.weight", shape: [10], format: "vector" },
  { name: "model.embed_tokens.weight", shape: [40, 32], format: "q8_0" },
  { name: "model.layers.0.mlp.up_proj.weight", shape: [17, 64], format: "q4_1" },
  { name: "model.layers.0.mlp.down_proj.weight", shape: [16, 10], format: "f16" },
];

/** What a compiler would say of the fixture. */
export function manifestDraft(): ManifestDraft {
  return {
    generator: "node-mlc test",
    tvm: { runtime: "0.27.0", ffi: "0.1.14" },
    model: {
      architecture: "llama",
      name: "fixture",
      hiddenSize: 32,
      intermediateSize: 64,
      layers: 2,
      attentionHeads: 4,
      keyValueHeads: 2,
      headDim: 8,
      vocabSize: 40,
      contextLength: 128,
    },
    quantization: "q4_1",
    activations: "int8",
    limits: { contextLength: 64, maxBatch: 4, prefillChunk: 32 },
    kvCache: { dtype: "float16" },
    libraries: [
      {
        name: "x86-64-v3",
        target: {
          kind: "llvm",
          triple: "x86_64-unknown-linux-gnu",
          cpu: "x86-64-v3",
          vectorBits: 256,
          features: ["avx2"],
        },
        file: "lib/model.so",
        functions: [
          { name: "decode", temporaryBytes: 1000 },
          { name: "batch_prefill", temporaryBytes: 9000 },
        ],
      },
    ],
    memory: { temporaries: 10000 },
    tokenizer: { files: ["tokenizer.json"], bosTokenId: 1, eosTokenIds: [2], addBos: false },
    chatTemplate: "chat_template.jinja",
    generation: { temperature: 0.7, topP: 0.9 },
    source: { kind: "huggingface", name: "owner/fixture", revision: "abc" },
    licence: { name: "apache-2.0", files: ["LICENSE"] },
  };
}

/** Distinguishable bytes of a parameter, in chunks. */
export function* paramBytes(spec: ParamSpec, seed = 1): Generator<Uint8Array> {
  const { bytes } = paramLayout(spec);
  const all = Uint8Array.from({ length: bytes }, (_, i) => (i * 31 + seed * 17) & 255);
  for (let at = 0; at < bytes; at += 1000) yield all.subarray(at, Math.min(bytes, at + 1000));
}

/** Adds everything the draft names. */
export async function fillPackage(writer: PackageWriter): Promise<void> {
  await writer.addFile("lib/model.so", "not a real library");
  await writer.addFile("tokenizer.json", "{}");
  await writer.addFile("chat_template.jinja", "{{ messages }}");
  await writer.addFile("LICENSE", "do what you like");
  for (const [index, spec] of PARAMS.entries()) await writer.addParam(spec, paramBytes(spec, index));
}

/** Writes the fixture package to `output`. */
export async function writePackage(output: string, shardBytes?: number): Promise<string> {
  const writer = await PackageWriter.create(output, shardBytes === undefined ? {} : { shardBytes });
  await fillPackage(writer);
  return writer.finish(manifestDraft());
}
