/** The models of the benchmark: the GGUF file the peer reads and the package compiled from it, made when they are missing. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { openByReading } from "../lib/compiler/importer/byte-source.js";
import { type GgufTensor, readGgufFile } from "../lib/compiler/importer/gguf-file.js";
import { tensorBytes } from "../lib/compiler/importer/source-tensor.js";
import type { Manifest } from "../lib/package/manifest.js";
import { MODEL_SHAPES, type ShapeName } from "./gguf/model-shapes.js";
import { writeRandomGguf } from "./gguf/random-gguf.js";
import type { RandomScheme } from "./gguf/tensor-list.js";
import { root } from "./repository.js";

/** The one model with trained weights; its file has one scheme. */
export const TRAINED_MODEL = { model: "smollm2-135m-instruct", scheme: "q4_1" } as const;

/** Models that can be named. */
export const BENCH_MODELS = [TRAINED_MODEL.model, ...(Object.keys(MODEL_SHAPES) as ShapeName[])] as const;

export type BenchModel = (typeof BENCH_MODELS)[number];

export type Scheme = RandomScheme | typeof TRAINED_MODEL.scheme;

/** A model with the format of its weights. */
export interface ModelChoice {
  readonly model: BenchModel;
  readonly scheme: Scheme;
  /** Further schemes of the peer's file: each figure of a round is compared with the best of them all. */
  readonly against: readonly RandomScheme[];
}

/** What a process reads, and the sizes behind the shares of the machine's limits. */
export interface ModelFiles {
  readonly scheme: Scheme;
  /** The package's folder, or the GGUF file. */
  readonly path: string;
  readonly bytes: number;
  /** Bytes of weights that one decoded token reads. */
  readonly decodeBytes: number;
}

/** A model ready to be measured. */
export interface PreparedModel extends ModelChoice {
  readonly ours: ModelFiles;
  /** The very same weights first, then those of `against`. */
  readonly peers: readonly [ModelFiles, ...ModelFiles[]];
  /** Weights of the matrices every prompt token is multiplied with: all but embedding and head. */
  readonly layerParameters: number;
  /** Bytes of keys and values of one token (float16 on both sides). */
  readonly cacheBytesPerToken: number;
}

/** Makes what is missing, which takes a while the first time. `compileArguments` go to `node-mlc compile`. */
export function prepareModel(choice: ModelChoice, compileArguments: readonly string[]): PreparedModel {
  const { model, scheme } = choice;
  const gguf = obtainGguf(model, scheme);
  const folder = path.join(root, "models", "bench", `${model}.${scheme}.package`);
  compilePackage(gguf, folder, compileArguments);
  const manifest = JSON.parse(readFileSync(path.join(folder, "manifest.json"), "utf8")) as Manifest;
  const others = choice.against.filter((other) => other !== scheme);
  return {
    ...choice,
    ours: { scheme, path: folder, bytes: folderBytes(folder), decodeBytes: packageDecodeBytes(manifest) },
    peers: [peerFiles(scheme, gguf), ...others.map((other) => peerFiles(other, obtainGguf(model, other)))],
    layerParameters: layerParameters(readTensors(gguf)),
    cacheBytesPerToken: manifest.kvCache.bytesPerToken,
  };
}

function peerFiles(scheme: Scheme, gguf: string): ModelFiles {
  const decodeBytes = ggufDecodeBytes(readTensors(gguf));
  return { scheme, path: gguf, bytes: statSync(gguf).size, decodeBytes };
}

function readTensors(gguf: string): readonly GgufTensor[] {
  const source = openByReading(gguf);
  try {
    return readGgufFile(source).tensors;
  } finally {
    source.close();
  }
}

function obtainGguf(model: BenchModel, scheme: Scheme): string {
  if (model === TRAINED_MODEL.model || scheme === TRAINED_MODEL.scheme) return defaultModel();
  const folder = path.join(root, "models", "bench");
  const file = path.join(folder, `${model}.${scheme}.gguf`);
  if (!existsSync(file)) {
    console.error(`Writing ${file}`);
    mkdirSync(folder, { recursive: true });
    writeRandomGguf(file, model, MODEL_SHAPES[model], scheme);
  }
  return file;
}

/** The file of the trained model, downloaded the first time. */
function defaultModel(): string {
  const script = path.join(root, "scripts", "fetch-model.mjs");
  const stdio: ("ignore" | "pipe" | "inherit")[] = ["ignore", "pipe", "inherit"];
  return execFileSync(process.execPath, [script], { encoding: "utf8", stdio }).trim();
}

/** Compiles with the source's own weights, unless the package is of this very compiler, source and arguments. */
function compilePackage(gguf: string, folder: string, compileArguments: readonly string[]): void {
  const { size, mtimeMs } = statSync(gguf);
  const stamp = createHash("sha256")
    .update(JSON.stringify([compilerDigest(), os.cpus()[0]?.model, size, mtimeMs, compileArguments]))
    .digest("hex");
  const stampFile = `${folder}.stamp`;
  const upToDate = existsSync(path.join(folder, "manifest.json")) && existsSync(stampFile);
  if (upToDate && readFileSync(stampFile, "utf8") === stamp) return;
  console.error(`Compiling ${folder}`);
  const program = path.join(root, "dist", "esm", "cli", "main.js");
  const command = [program, "compile", gguf, "-o", folder, "--quantization", "keep", ...compileArguments];
  execFileSync(process.execPath, command, { stdio: ["ignore", "ignore", "inherit"] });
  writeFileSync(stampFile, stamp);
}

/** The folders of dist/esm that decide what a package is. */
const COMPILER_FOLDERS = ["compiler", "ffi", "package"];

/** Digest of the built compiler: another one may make another package. */
function compilerDigest(): string {
  const distribution = path.join(root, "dist", "esm");
  const hash = createHash("sha256");
  for (const folder of COMPILER_FOLDERS)
    for (const file of (readdirSync(path.join(distribution, folder), { recursive: true }) as string[]).sort())
      if (file.endsWith(".js")) hash.update(file).update(readFileSync(path.join(distribution, folder, file)));
  return hash.digest("hex");
}

function folderBytes(folder: string): number {
  return (readdirSync(folder, { recursive: true }) as string[])
    .map((file) => statSync(path.join(folder, file)))
    .reduce((sum, entry) => sum + (entry.isFile() ? entry.size : 0), 0);
}

/** A separate embedding is read one row a token, a tied one is the head as well. */
function packageDecodeBytes({ weights }: Manifest): number {
  const tied = !weights.params.some(({ name }) => name === "lm_head.weight");
  return weights.params
    .filter(({ name }) => tied || name !== "model.embed_tokens.weight")
    .reduce((sum, { bytes }) => sum + bytes, 0);
}

function ggufDecodeBytes(tensors: readonly GgufTensor[]): number {
  const tied = !tensors.some(({ name }) => name === "output.weight");
  return tensors
    .filter(({ name }) => tied || name !== "token_embd.weight")
    .reduce((sum, { shape, dtype }) => sum + tensorBytes(shape, dtype), 0);
}

function layerParameters(tensors: readonly GgufTensor[]): number {
  return tensors
    .filter(({ name, shape }) => name.startsWith("blk.") && shape.length === 2)
    .reduce((sum, { shape: [rows = 0, columns = 0] }) => sum + rows * columns, 0);
}
